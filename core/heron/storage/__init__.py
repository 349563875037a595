"""Storage: reading bytes by URL, from local files and storage backends."""
