"""Answers given again to questions that ask the same: a semantic cache with learned regions."""
