"""Columns: the fields, facts and metadata of items once more, as Arrow files that a query scans many times faster than SQLite.

They are a cache beside the catalogue: SQLite is the truth, names the files, and records what changed since they were written.
"""
