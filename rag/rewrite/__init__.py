"""Rewriters: what is added to a question before it is searched for."""
