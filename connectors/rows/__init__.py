"""Rows with named fields: of a database, or of a file of records."""
