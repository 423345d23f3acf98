"""The embedded store: SQLite is the truth, lexical and dense indexes are derived from it."""
