"""Export: datasets on their way out."""
