"""References: where a message can be sent, as a value that travels inside messages.

    partisan://beta/greeter      by name: the mailbox `greeter` of whichever life of `beta` there is
    partisan://beta@42/greeter   by life: dies with incarnation 42 of `beta`
    beta/greeter                 either without the scheme, understood by `parse`

Names may hold `@` themselves, so one rule decides: what stands behind the last `@` of the node is the
incarnation when it is all digits; when it is empty, there is no incarnation and the `@` is dropped; otherwise
there is none either and the whole is the name. So a reference by name to a node called `beta@7` is written
`partisan://beta@7@/greeter`; `str` does that by itself.
"""

from functools import lru_cache
from typing import NoReturn, Self

from partisan_core.errors import InvalidName
from partisan_core.identity import check_name

SCHEME = "partisan://"

_REMEMBERED = 1000
"""Texts that are not read anew each time: who names a mailbox once names it often (chosen)."""

_INCARNATION_LIMIT = 2**63
"""What the handshake takes, too."""


class Ref:
    """A mailbox of a node, by the node's name or by one life of it. Immutable and hashable.

    A plain class on purpose: serializers know structs and dataclasses and would send it as a map.
    """

    __slots__ = ("incarnation", "mailbox", "node")

    node: str
    mailbox: str
    incarnation: int | None
    """None: the reference follows the node through its restarts."""

    def __init__(self, node: str, mailbox: str, incarnation: int | None = None) -> None:
        """Refer to `mailbox` of `node`.

        Raises:
            InvalidName: a name is malformed, or the incarnation is not between 0 and 2**63 - 1.
        """
        if incarnation is not None and not 0 <= incarnation < _INCARNATION_LIMIT:
            raise InvalidName(f"{incarnation} is no incarnation: it lies between 0 and 2**63 - 1")
        object.__setattr__(self, "node", check_name(node))
        object.__setattr__(self, "mailbox", check_name(mailbox))
        object.__setattr__(self, "incarnation", incarnation)

    @classmethod
    def reserved(cls, node: str, mailbox: str, incarnation: int | None = None) -> Self:
        """A recipient of the kernel's own, whose name no mailbox of an application can have; nothing is checked."""
        ref = cls.__new__(cls)
        for slot, value in (("node", node), ("mailbox", mailbox), ("incarnation", incarnation)):
            object.__setattr__(ref, slot, value)
        return ref

    @classmethod
    @lru_cache(_REMEMBERED)
    def parse(cls, text: str) -> Self:
        """Read `partisan://node/mailbox` or `partisan://node@incarnation/mailbox`; the scheme is optional.

        Raises:
            InvalidName: the text is none of these, or no text.
        """
        if not isinstance(text, str):
            raise InvalidName(f"a {type(text).__name__} is no reference: write node/mailbox, or {SCHEME}node/mailbox")
        node, slash, mailbox = text.removeprefix(SCHEME).partition("/")
        if not slash:
            raise InvalidName(f"{text[:300]!r} is no reference: write node/mailbox, or {SCHEME}node/mailbox")
        name, at, life = node.rpartition("@")
        if at and not life:
            return cls(name, mailbox)
        if at and life.isascii() and life.isdigit():
            return cls(name, mailbox, _read_incarnation(life))
        return cls(node, mailbox)

    def __str__(self) -> str:
        _, at, tail = self.node.rpartition("@")
        if self.incarnation is not None:
            life = f"@{self.incarnation}"
        else:
            life = "@" if at and (not tail or tail.isdigit()) else ""
        return f"{SCHEME}{self.node}{life}/{self.mailbox}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Ref is immutable; make a new one instead of setting {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Ref is immutable; {name!r} stays")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, int | None]]:
        return type(self), self._values()

    def _values(self) -> tuple[str, str, int | None]:
        return self.node, self.mailbox, self.incarnation


def _read_incarnation(digits: str) -> int:
    if len(digits) > len(str(_INCARNATION_LIMIT)):
        raise InvalidName(f"{digits[:40]!r} is no incarnation: it lies between 0 and 2**63 - 1")
    return int(digits)
