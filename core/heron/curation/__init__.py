"""Curation: duplicates, uniqueness, diversity, leakage between datasets, and projections."""
