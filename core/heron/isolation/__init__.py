"""Decoders of plugins in processes of their own, so that a crash, a hang or a flood of memory costs one file."""
