"""What SCAMP nodes say to each other. The tags are short because they travel with every message."""

from msgspec import Struct

from partisan_core.identity import NodeSpec


class Subscribe(Struct, frozen=True, array_like=True, tag="s"):
    """To a contact: have me taken into views. A renewal asks for as many `copies` as it replaces; 0 says it is none."""

    serial: int
    """Which of its subscriptions: the sender counts them."""
    copies: int = 0


class Walk(Struct, frozen=True, array_like=True, tag="w"):
    """A subscription on its random walk to the node that becomes its contact."""

    subscriber: NodeSpec
    serial: int
    copies: int
    hops: int
    degree: int = 0
    """How many the sender could have sent it to; 0: the receiver may not turn it away."""


class Forward(Struct, frozen=True, array_like=True, tag="f"):
    """One copy of a subscription: keep it, or pass it on."""

    subscriber: NodeSpec
    serial: int
    hops: int
    number: int = 0
    """Tells it from the other copies: one that comes twice with the same hops to go was repeated on the way."""


class Heartbeat(Struct, frozen=True, array_like=True, tag="h"):
    """You are in my view: said when that begins, and again and again."""


class Welcome(Struct, frozen=True, array_like=True, tag="c"):
    """You may have me in your view: the word of a contact to a new subscriber, and the answer to `Probe`."""


class Unsubscribe(Struct, frozen=True, array_like=True, tag="u"):
    """I leave: forget me, or put `replacement` in my place."""

    replacement: NodeSpec | None = None


class Probe(Struct, frozen=True, array_like=True, tag="p"):
    """I lost you: are you there?"""
