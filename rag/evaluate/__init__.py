"""Evaluation: datasets, measures, intervals."""
