"""Search: a condition is parsed into a tree, and an engine evaluates the tree, for instance as SQL."""
