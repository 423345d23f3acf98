"""Chunkers: documents to passages."""
