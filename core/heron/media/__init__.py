"""Media: from the first bytes of a file to its format, its facts and its picture."""
