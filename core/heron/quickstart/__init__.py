"""A small sample lake of real files, drawn on the spot, to try Heron with."""
