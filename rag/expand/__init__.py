"""Expanders: a passage that was found, grown to what a reader needs around it."""
