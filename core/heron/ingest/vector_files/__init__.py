"""Import and export of vectors: NumPy arrays with a file of ids, Parquet tables, and JSON lines."""
