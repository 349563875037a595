"""Derived metadata: runs the functions of plugins over items, and keeps their values."""
