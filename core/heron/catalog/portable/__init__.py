"""Portable exports: what is read from a catalogue for them, and how they are merged into one."""
