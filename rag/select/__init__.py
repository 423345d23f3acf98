"""Selectors: hits chosen and ordered among themselves."""
