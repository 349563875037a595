"""Manifests: files that list the objects of a lake. They are read as streams of units, validated, and written."""
