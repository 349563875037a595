"""Storage: from a URL to bytes, wherever they lie."""
