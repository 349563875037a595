"""Executors: where tasks run, in a window of tasks under way, each run again if its worker is lost."""
