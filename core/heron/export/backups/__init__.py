"""Backups of workspaces: a snapshot of the catalogue with the vectors that it names, and restoring it whole or not at all."""
