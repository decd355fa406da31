"""Requests and answers of the control socket, as lines of bytes; pure."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from partisan_core import errors
from partisan_core.errors import ControlError, PartisanError

REQUEST_LIMIT = 64 * 1024
"""Bytes of one request; the longest that makes sense, a join by 64 addresses, has 20 KiB."""

Patience = Annotated[float, Meta(gt=0, le=3600)]
"""Seconds that a request may take."""

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client asks."""

    command: str
    arguments: Raw = Raw(b"{}")


class Answer(Struct, frozen=True, omit_defaults=True):
    """What it gets: a result, or the name of an error and its text."""

    ok: bool
    result: Raw = Raw()
    error: str = ""
    message: str = ""


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of a command that takes none."""


class PingArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ping, and how long to wait for its answer."""

    peer: str
    timeout: Patience = 2.0


class JoinArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Through whom to join, and how long to try."""

    addresses: Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
    timeout: Patience = 10.0


class EvictArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to remove."""

    name: str


class FaultArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule for a fault to inject: its name, and its table as `[faults.rules]` would have it."""

    name: str
    rule: dict[str, Any]


class NameArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Which fault is meant."""

    name: str


class Pong(Struct, frozen=True):
    """How long a ping took; null: no answer in time."""

    peer: str
    rtt: float | None


class Joined(Struct, frozen=True):
    """Who the node is linked to now."""

    neighbours: tuple[str, ...]


class Gone(Struct, frozen=True):
    """A node has left its cluster."""

    name: str
    ends: bool
    """Its process ends as well."""


def read_request(line: bytes) -> Request:
    """Read a line.

    Raises:
        ControlError: it is no request.
    """
    try:
        return msgspec.json.decode(line, type=Request)
    except DECODE_ERRORS as error:
        raise ControlError(
            f"this is no request: {error}. Nothing was done. Write one JSON object per line: "
            f'{{"command": "status", "arguments": {{}}}}'
        ) from error


def write_request(command: str, arguments: Struct) -> bytes:
    """A request as a line."""
    return msgspec.json.encode(Request(command, Raw(msgspec.json.encode(arguments)))) + b"\n"


def success(result: object) -> bytes:
    """A result as a line; a float that is no number becomes null."""
    return msgspec.json.encode(Answer(ok=True, result=Raw(msgspec.json.encode(result)))) + b"\n"


def failure(error: PartisanError) -> bytes:
    """An error as a line."""
    return msgspec.json.encode(Answer(ok=False, error=type(error).__name__, message=str(error))) + b"\n"


def read_answer(line: bytes) -> Raw:
    """The result in a line.

    Raises:
        PartisanError: the error that the node answered with, of its class.
        ControlError: it is no answer.
    """
    try:
        answer = msgspec.json.decode(line, type=Answer)
    except DECODE_ERRORS as error:
        raise ControlError(f"the node gave no answer that can be read: {error}") from error
    if not answer.ok:
        raise _ERRORS.get(answer.error, ControlError)(answer.message)
    return answer.result


_ERRORS = {
    name: known for name, known in vars(errors).items() if isinstance(known, type) and issubclass(known, PartisanError)
}
"""By name, so that a client raises what the node raised. A name that is not in it is not looked for elsewhere."""
