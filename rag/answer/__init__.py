"""Answerers: passages to answers with citations."""
