"""The compression that comes with the core."""
