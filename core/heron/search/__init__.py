"""Search: a condition is parsed once into a tree, and written as SQL by a small writer."""
