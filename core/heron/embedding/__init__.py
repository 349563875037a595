"""Embedding: computes vectors of pictures of items and frames, with the embedders that plugins bring."""
