"""Vectors from files and to files: NumPy arrays with ids beside them, Parquet tables, and JSON lines."""
