"""States for tests: eight bytes of a version, or a vector of two clocks."""


class Ordered:
    """A total order: the greater version counts."""

    def supersedes(self, new: bytes, old: bytes) -> bool:
        return new >= old

    def merge(self, old: bytes, new: bytes) -> bytes | None:
        raise AssertionError("everything is ordered")


class Vectors:
    """Vector clocks of as many entries as a state has bytes."""

    def __init__(self, *, merges: bool) -> None:
        self._merges = merges

    def supersedes(self, new: bytes, old: bytes) -> bool:
        return all(mine >= theirs for mine, theirs in zip(new, old, strict=True))

    def merge(self, old: bytes, new: bytes) -> bytes | None:
        return join(old, new) if self._merges else None


def join(*vectors: bytes) -> bytes:
    return bytes(map(max, zip(*vectors, strict=True)))
