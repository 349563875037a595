"""Vectors in files, and the search among them. This package knows row numbers; it knows neither items nor
SQLite.

`matrix` stores the vectors. `codes`, `partitions` and `graph` are caches made from them, which can be deleted at any
time. `space` opens all four, and `planner` chooses between them for each query.
"""
