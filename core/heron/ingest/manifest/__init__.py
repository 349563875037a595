"""Manifests: files that list what lies in a lake, read as streams of units, checked, and written from a listing."""
