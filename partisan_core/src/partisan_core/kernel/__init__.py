"""The kernel: where the effects of pure machines meet trio."""
