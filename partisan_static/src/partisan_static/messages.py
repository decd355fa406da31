"""What static nodes say to each other. The tags are short because they travel with every message."""

from msgspec import Struct


class Greeting(Struct, frozen=True, array_like=True, tag="g"):
    """On every new link: the sender has the receiver for a peer. Who spoke is told by the connection."""


class Farewell(Struct, frozen=True, array_like=True, tag="f"):
    """The sender has the receiver for a peer no more: it leaves, or it has evicted the receiver."""
