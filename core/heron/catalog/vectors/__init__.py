"""Vectors in the catalogue: which row of which matrix file belongs to which item or frame."""
