"""Media: recognises the format of a file, and reads its facts and its picture."""
