"""Readers of the files that users have: published formats and plain tables."""
