"""Messages as (tag, data): objects of registered classes, taken apart and put together by cattrs, in MessagePack."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cattrs import ForbiddenExtraKeysError, transform_error

from partisan_codec_cattrs.converting import make_converter
from partisan_codec_cattrs.plain import check_plain
from partisan_codec_msgpack import MsgpackSerializer
from partisan_core.spelling import did_you_mean

_LONGEST_ERROR = 1000
"""Characters of an error about what a peer sent. Chosen: a path and a word, with room."""


class CattrsSerializer:
    """Sends objects of the classes it was given, and plain data. No class is ever found by a name from the wire."""

    __slots__ = ("_classes", "_converter", "_plain", "_tags", "join")

    join: Callable[[Sequence[bytes]], bytes]
    """Make one array of encoded envelopes, as msgpack does."""
    enclosing = MsgpackSerializer.enclosing

    def __init__(self, classes: Mapping[str, type], *, forbid_extra_keys: bool = True) -> None:
        """Register classes by the tags that stand for them on the wire.

        Raises:
            ConfigError: one is neither an attrs class nor a dataclass, or has a field of a type that cannot travel.
        """
        self._plain = MsgpackSerializer()
        self._classes = dict(classes)
        self._tags = {kind: tag for tag, kind in classes.items()}
        self._converter = make_converter(classes, forbid_extra_keys=forbid_extra_keys)
        self.join = self._plain.join

    def encode(self, envelope: tuple[str, object]) -> bytes:
        """Encode (mailbox name, message), and read it as the receiver will, so that it is the sender who is told.

        Raises:
            TypeError: the message is neither plain data nor of a registered class.
            ValueError: a field holds what its class does not say; the text begins with the path.
            OverflowError, RecursionError: see `MsgpackSerializer`.
        """
        mailbox, message = envelope
        kind = type(message)
        tag = self._tags.get(kind)
        if tag is None:
            check_plain(message, self._explain)
            return self._plain.encode((mailbox, (None, message)))
        try:
            data = self._converter.unstructure(message, kind)
            self._converter.structure(data, kind)
        except Exception as error:
            raise _misfit(tag, error) from error
        return self._plain.encode((mailbox, (tag, data)))

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        """Decode an array of envelopes; nothing of the memory is kept.

        Raises:
            ValueError: the bytes are no such array, a tag is of no registered class, or data does not fit its class;
                the text begins with the path. (msgspec's errors are ValueErrors too.)
            RecursionError: nested too deeply.
        """
        return [(mailbox, self._read(body)) for mailbox, body in self._plain.decode_batch(data)]

    def _read(self, body: object) -> object:
        if type(body) is not list or len(body) != 2:
            raise ValueError("a message is no pair of a tag and data")
        tag, data = body
        if tag is None:
            return data
        kind = self._classes.get(tag) if type(tag) is str else None
        if kind is None:
            raise ValueError(f"no class is registered here for the tag {str(tag)[:100]!a}{self._registered(str(tag))}")
        try:
            return self._converter.structure(data, kind)
        except Exception as error:
            raise _misfit(tag, error) from error

    def _explain(self, kind: type) -> str:
        known = f"{kind.__module__}.{kind.__qualname__} is neither plain data nor a registered class"
        inside = " (an object of a registered class inside plain data needs a class around it)"
        return f"{known}{inside if kind in self._tags else self._registered(kind.__name__)}"

    def _registered(self, name: str) -> str:
        near = did_you_mean(name[:100], self._classes)
        return f"{near}; registered: {', '.join(sorted(self._classes)) or 'none'}"


def _misfit(tag: str, error: Exception) -> ValueError:
    said = "; ".join(_path_first(line) for line in transform_error(error, tag, _describe))
    return ValueError(said[:_LONGEST_ERROR])


def _path_first(line: str) -> str:
    """Put the path first: cattrs writes `description @ path`."""
    description, _, path = line.rpartition(" @ ")
    return f"{path}: {description}"


def _describe(error: BaseException, kind: object) -> str:
    if isinstance(error, KeyError):
        return "this field is missing"
    if isinstance(error, ForbiddenExtraKeysError):
        return f"unknown fields {', '.join(ascii(name) for name in sorted(map(str, error.extra_fields)))}"
    return str(error) or type(error).__name__
