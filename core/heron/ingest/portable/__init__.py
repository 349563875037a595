"""Reading portable exports, and merging them into a workspace."""
