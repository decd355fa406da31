"""Round trips: a caller sends a record and waits until it comes back."""
