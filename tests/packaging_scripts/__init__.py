"""What the packaging tests run in an empty environment, by path: nothing here is imported by a test."""
