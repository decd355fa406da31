"""Side-by-side measurements of Partisan and its baselines, in two processes on loopback."""
