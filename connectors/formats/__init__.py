"""Formats: how the bytes of a document are read, one file format per file."""
