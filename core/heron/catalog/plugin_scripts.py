"""The tables of what a workspace knows of plugins: their options, and who brought which metadata type."""

from __future__ import annotations

PLUGINS = """
CREATE TABLE plugin_options (
    plugin TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (plugin, name)
) WITHOUT ROWID;
CREATE TABLE type_origins (
    type TEXT NOT NULL PRIMARY KEY,
    plugin TEXT NOT NULL,
    distribution TEXT NOT NULL,
    version TEXT NOT NULL,
    affinity TEXT NOT NULL,
    ordered INTEGER NOT NULL
) WITHOUT ROWID;
"""
