"""Connectors: where documents come from, one source per file."""
