"""Writing portable exports."""
