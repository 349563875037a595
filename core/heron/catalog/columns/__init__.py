"""Which segments of columns a catalogue has, what has changed since they were written, and how they are brought up to date."""
