"""Versions of datasets: frozen rows in compressed blocks that versions share, and what changed between two of them."""
