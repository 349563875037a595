"""Pushed columns: what a catalogue knows, written as tables of Parquet files that many engines read (docs/scaling.md).

A place has files named after their content, and a manifest that names the files of each table. The manifest is written last,
so a reader who takes the files from it sees one state of one catalogue.
"""
