"""Export: writes datasets as files."""
