"""What the nodes of the demo say to each other. Every message may be lost, repeated or reordered without harm."""

from typing import Annotated

from msgspec import Meta, Struct

Natural = Annotated[int, Meta(ge=0)]


class Record(Struct, frozen=True, array_like=True):
    """What one life of a node says of itself: who its neighbours are. Only that life writes it."""

    name: str
    incarnation: int
    sequence: int
    """Counts the changes: of two records of one life the one with the greater sequence is newer."""
    neighbours: dict[str, int]
    """Name and incarnation of each."""

    @property
    def version(self) -> tuple[int, int]:
        """Orders the records of one name."""
        return (self.incarnation, self.sequence)


class News(Struct, frozen=True, array_like=True, tag="news"):
    """Records of the roster that the receiver may lack."""

    sender: str
    records: tuple[Record, ...]


class Digest(Struct, frozen=True, array_like=True, tag="digest"):
    """What the sender knows, in short: the receiver sends what it knows better and asks for what it lacks."""

    sender: str
    roster: bytes
    files: bytes
    """One bit per file, little endian: 1 when its result is known."""


class Want(Struct, frozen=True, array_like=True, tag="want"):
    """Asks for the results of these files."""

    sender: str
    files: tuple[Natural, ...]


class Part(Struct, frozen=True, array_like=True, tag="part"):
    """A piece of the result of a file; most results have one."""

    file: Natural
    by: str
    """Who counted it."""
    index: Natural
    count: Natural
    data: bytes


Message = News | Digest | Want | Part
