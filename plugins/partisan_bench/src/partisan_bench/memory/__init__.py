"""The memory that large messages take at either end, one at a time."""
