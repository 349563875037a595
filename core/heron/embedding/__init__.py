"""Embedding: pictures of items and frames become vectors, by the models that plugins bring."""
