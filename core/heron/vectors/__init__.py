"""Vectors as files of numbers, and the search among them; it knows row numbers, no items and no SQLite.

`matrix` holds the truth. `codes` and `graph` are caches made from it, which can be thrown away at any time.
`space` opens all three, and `planner` chooses between them for each query.
"""
