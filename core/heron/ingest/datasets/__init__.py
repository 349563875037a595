"""Datasets and manifests of other tools, read by importers that plugins bring; those of Heron itself are here too."""
