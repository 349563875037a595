"""Pictures: what items and frames look like, from the files where they lie or from the thumbnails that are kept."""
