"""What nodes say to each other. Every message carries the sender's own incarnation, and rumours about others."""

from typing import Annotated

from msgspec import Meta, Struct

ROOM = 8
"""Rumours in one message: about 500 bytes (chosen)."""

LEAP = 1_000
"""A rumour may not be so far ahead of what is known: else one forged number would leave no room for a greater one
(chosen; who is asked tells its own incarnation, however large)."""

LONGEST_LEAP = 2**32
"""A doubt of oneself may be further ahead: what others were made to believe has to be refuted. It takes millions of
forged ones to use up all numbers (chosen)."""

_Name = Annotated[str, Meta(min_length=1, max_length=255)]
_Number = Annotated[int, Meta(ge=0, le=2**53)]
Life = tuple[int, int]
"""Incarnation and instance of a node, as `NodeSpec.life`."""


class Rumour(Struct, frozen=True, array_like=True):
    """What is said of a life of a member: it is alive, or, when somebody accuses it, doubted."""

    name: _Name
    life: Life
    incarnation: _Number
    """In the sense of SWIM: a count that only the member itself raises, to refute a doubt of it."""
    accuser: Annotated[str, Meta(max_length=255)] = ""
    """Who doubts by what it has seen itself; empty: it is alive."""


Rumours = Annotated[tuple[Rumour, ...], Meta(max_length=ROOM)]


class Ping(Struct, frozen=True, array_like=True, tag="p"):
    """Are you there?"""

    number: _Number
    incarnation: _Number
    rumours: Rumours = ()


class Ack(Struct, frozen=True, array_like=True, tag="a"):
    """I am; or: whom you asked me to ping is."""

    number: _Number
    incarnation: _Number
    rumours: Rumours = ()


class PingRequest(Struct, frozen=True, array_like=True, tag="r"):
    """Ping that life of a member for me."""

    number: _Number
    incarnation: _Number
    name: _Name
    life: Life
    rumours: Rumours = ()


class Nack(Struct, frozen=True, array_like=True, tag="n"):
    """I am there, and whom you asked me to ping has not answered (Lifeguard)."""

    number: _Number
    incarnation: _Number
    rumours: Rumours = ()
