"""The built-in embedders, which need no model."""
