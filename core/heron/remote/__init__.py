"""Heron's own HTTP API: the table of its routes, their arguments and results as JSON, and the client that `heron.connect` makes."""
