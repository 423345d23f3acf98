"""The stages of a query: each makes one ranking of another."""
