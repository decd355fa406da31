"""What full-mesh nodes say to each other. The tags are short because they travel with every message."""

from typing import Annotated

from msgspec import Meta, Struct

from partisan_core.membership import MAX_ENTRIES, Entry, Versions

Entries = Annotated[tuple[Entry, ...], Meta(max_length=MAX_ENTRIES)]
Names = Annotated[tuple[str, ...], Meta(max_length=MAX_ENTRIES)]


class Digest(Struct, frozen=True, array_like=True, tag="d"):
    """Each round, and on every new link: one number for all that the sender knows."""

    value: int


class Summary(Struct, frozen=True, array_like=True, tag="s"):
    """The answer to a different digest, and the first word to a contact: what the sender has, in short."""

    versions: Versions


class Update(Struct, frozen=True, array_like=True, tag="u"):
    """The answer to a summary: what its sender lacks, and the names that its sender knows better."""

    entries: Entries
    wanted: Names = ()


class News(Struct, frozen=True, array_like=True, tag="n"):
    """What the sender has just learnt; whoever did not know it passes it on once."""

    entries: Entries
