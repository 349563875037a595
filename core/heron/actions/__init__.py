"""Actions: runs what plugins let users do with items."""
