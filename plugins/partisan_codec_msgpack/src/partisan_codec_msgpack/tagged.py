"""Objects of registered types: their envelopes have a tag in front, `[tag, mailbox, message]`.

A tag is the name of the type and its fingerprint, and the empty one is for plain data: an envelope means the same in
any batch, behind any relay, after any reconnect. A whole batch is decoded in one call, as a tagged union of envelopes.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Raw, Struct, defstruct
from msgspec.msgpack import Decoder

from partisan_codec_msgpack.extensions import decode_extension
from partisan_codec_msgpack.fingerprints import fingerprint
from partisan_core.drops import Unreadable
from partisan_core.errors import ConfigError

_TAGGED = b"\x93"
"""How such an envelope begins: an array of three. One without a tag is an array of two."""
_UNTAGGED = 0x92
_EMPTY_TAG = b"\x93\xa0"
"""What takes the place of that byte to give an envelope the empty tag."""
_FIRST = {0xDC: 3, 0xDD: 5}
"""Where the first envelope of a batch begins, by the head of its array; else behind one byte."""
_MARK = "#"
"""Between name and fingerprint."""
_KEPT = 200
"""Characters that are told of an error, which may quote the peer. Chosen: a path and a word, with room."""

_as_pair = attrgetter("mailbox", "message")


def is_tagged(body: memoryview) -> bool:
    """Whether the first envelope of a batch has a tag; behind `level` all have one, or none."""
    start = _FIRST.get(body[0], 1) if body else 0
    return body[start : start + 1] == _TAGGED


def level(pieces: Sequence[bytes]) -> Sequence[bytes]:
    """Give plain envelopes the empty tag, if others have one: one call decodes only what has one shape."""
    if len({piece[0] for piece in pieces}) < 2:
        return pieces
    return [_EMPTY_TAG + piece[1:] if piece[0] == _UNTAGGED else piece for piece in pieces]


class Registered:
    """The types that arrive as what they were sent."""

    __slots__ = ("_decode_all", "_decode_each", "_decoders", "names", "tags")

    def __init__(self, types: Mapping[str, type[Struct]]) -> None:
        """Register types by their names on the wire.

        Raises:
            ConfigError: one is no Struct, or has a field of a type that cannot travel.
        """
        self.names = frozenset(types)
        tagged: dict[str, Any] = {_tag(name, kind): kind for name, kind in types.items()}
        self.tags = {kind: tag for tag, kind in tagged.items()}
        tagged[""] = Any
        self._decoders = {tag: Decoder(kind, ext_hook=decode_extension).decode for tag, kind in tagged.items()}
        self._decode_all = Decoder(list[_union(tagged)], ext_hook=decode_extension).decode  # type: ignore[misc]
        self._decode_each = Decoder(list[tuple[str, str, Raw]]).decode

    def decode_batch(self, body: memoryview) -> list[tuple[str, Any]]:
        """Decode a batch with tags; what cannot be read of it here is `Unreadable`, and all others arrive.

        Raises:
            ValueError: the bytes are no such array.
        """
        try:
            return list(map(_as_pair, self._decode_all(body)))
        except Exception:  # noqa: BLE001 - a type has code of its own, `__post_init__`
            return [self._read(*envelope) for envelope in self._decode_each(body)]

    def _read(self, tag: str, mailbox: str, message: Raw) -> tuple[str, Any]:
        decode = self._decoders.get(tag)
        if decode is None:
            return Unreadable(mailbox, self._why_unknown(tag)), None
        try:
            return mailbox, decode(message)
        except Exception as error:  # noqa: BLE001 - the same
            what = f"an object of type {_name(tag)!a}" if tag else "plain data"
            said = f"{type(error).__name__}: {error}"[:_KEPT]
            return Unreadable(mailbox, f"{what} cannot be read here: {said}"), None

    def _why_unknown(self, tag: str) -> str:
        name = _name(tag)
        return f"type {name[:_KEPT]!a} {'has other fields' if name in self.names else 'is not registered'} here"


def _tag(name: str, kind: type) -> str:
    if not issubclass(kind, Struct):
        raise ConfigError(f"{kind.__name__} is no msgspec.Struct: register Structs, or use the serializer 'cattrs'")
    try:
        return f"{name}{_MARK}{fingerprint(kind)}"
    except ConfigError as error:
        raise ConfigError(f"{kind.__name__} cannot travel: {error}") from error
    except Exception as error:  # annotations are the application's: whatever reading them raises, the line names it
        raise ConfigError(f"{kind.__name__} cannot travel: {type(error).__name__}: {error}") from error


def _name(tag: str) -> str:
    return tag.rpartition(_MARK)[0] or tag


def _union(tagged: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what stands in an annotation
    """The envelopes of these types as a union that msgspec tells apart by their tags."""
    union: Any = None
    for tag, kind in tagged.items():
        fields = [("mailbox", str), ("message", kind)]
        envelope = defstruct("Envelope", fields, tag=tag, array_like=True, forbid_unknown_fields=True, gc=False)
        union = envelope if union is None else union | envelope
    return union
