"""Rerankers: scores of passages for a question."""
