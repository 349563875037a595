"""Choosing the best of a lake: duplicates, uniqueness, diversity, leakage between datasets, and projections."""
