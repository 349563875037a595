"""Ingest: from a source of units, through probing, in ordered batches, into the catalogue."""
