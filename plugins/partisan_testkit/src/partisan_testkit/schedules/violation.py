"""What a witness says when a promise was broken."""


class Violation(AssertionError):
    """A promise was broken."""
