"""Head of line: pings while large messages stream, on the same way and on a way of their own."""
