"""A small sample lake of real files, generated when it is needed, for trying Heron."""
