"""Typed metadata: which keys may exist, what each can hold, and how values are checked."""
