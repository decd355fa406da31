"""A long way between two processes of one machine: a TCP proxy in its own process that holds bytes back."""
