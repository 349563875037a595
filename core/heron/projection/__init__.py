"""Projection of vectors to two dimensions, and the scatter plot of the result."""
