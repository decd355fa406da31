"""Messages per second in one direction: a fast sender, a receiver that counts."""
