"""Retrievers: queries to passages."""
