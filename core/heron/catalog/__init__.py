"""The catalogue: one SQLite file, and one service for each noun in it."""
