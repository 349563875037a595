"""Pictures of items and frames, from their files or from stored thumbnails."""
