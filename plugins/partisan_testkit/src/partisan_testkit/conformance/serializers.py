"""The rules for serializers."""

from collections.abc import Sequence
from random import Random
from typing import Any

from partisan_core.kinds import Serializer
from partisan_core.refs import Ref
from partisan_testkit.conformance import canary
from partisan_testkit.conformance.rules import Broken, Catalogue
from partisan_testkit.conformance.subjects import SerializerSubject
from partisan_testkit.simulator import seeded

RULES: Catalogue[SerializerSubject] = Catalogue("serializer")

Envelope = tuple[str, object]

REFUSALS = (ValueError, MemoryError, OverflowError, RecursionError)
"""What `decode_batch` may raise."""

_BATCHES = 30
_BIG = 8 * 2**20
_TEXTS = ("", "x", "greeter", "é\N{SNOWMAN}\N{GRINNING FACE}", "a\0b", '"quoted"\n', "x" * 300)
_NUMBERS = (0, 1, -1, 127, 128, 255, 2**16, -(2**31), 2**53, 2**63 - 1, -(2**63), 0.5, -1e300, 1e-300)
_ODD_BODIES = (
    *(b"", b"5", b"null", b"[1]", b"[[1, 2]]", b"{}", b"[" * 100_000),
    *(b"\xc0", b"\x91\xc0", b"\x91\x92\x01\x02", b"\xdd\xff\xff\xff\xff", b"\x91" * 100_000),
)
"""What JSON or MessagePack take for a value, or for the beginning of one, and is no batch."""


@RULES.rule()
def plain_data(serializer: SerializerSubject, seed: int) -> None:
    """Numbers, text, None, truth values, lists and tables of them arrive as they were sent, in their order."""
    rng, codec = seeded(seed, "data"), serializer.make()
    for _ in range(_BATCHES):
        batch = [_envelope(rng) for _ in range(rng.randrange(1, 9))]
        _expect(codec, batch, batch)


@RULES.rule()
def all_or_nothing(serializer: SerializerSubject, seed: int) -> None:
    """Bytes, references and great numbers arrive as they were sent, or `encode` raises and the sender knows."""
    codec = serializer.make()
    for message in (
        b"\0\xff",
        Ref("beta", "greeter"),
        Ref("beta", "greeter", 42),
        [{"to": Ref("b", "c")}],
        2**64,
        2**70,
    ):
        piece = _try_encode(codec, message)
        if piece is not None:
            ((_, arrived),) = _decode(codec, codec.join([piece]))
            if arrived != message or type(arrived) is not type(message):
                raise Broken(f"{message!r} was taken, and arrived as {arrived!r}")


@RULES.rule()
def batches(serializer: SerializerSubject, seed: int) -> None:
    """Any number of pieces, none included, is joined into one body that holds them in their order."""
    codec = serializer.make()
    for count in (0, 1, 2, 15, 16, 17, 255, 256, 3000):
        batch: list[Envelope] = [("m", number) for number in range(count)]
        _expect(codec, batch, batch)


@RULES.rule()
def independent_pieces(serializer: SerializerSubject, seed: int) -> None:
    """A piece means the same in any batch, any order, any number of times, and to another node's serializer."""
    rng, codec = seeded(seed, "pieces"), serializer.make()
    batch = [_envelope(rng) for _ in range(20)]
    pieces = [codec.encode(envelope) for envelope in batch]
    order = [rng.randrange(20) for _ in range(40)]
    joined = serializer.make().join([pieces[index] for index in order])
    arrived = _decode(serializer.make(), joined)
    if arrived != [batch[index] for index in order]:
        raise Broken("pieces in another order, some of them twice, arrived as something else")


@RULES.rule()
def enclosing(serializer: SerializerSubject, seed: int) -> None:
    """A serializer that says what encloses a single piece (`enclosing`) means what its `join` does."""
    rng, codec = seeded(seed, "enclosing"), serializer.make()
    around: tuple[bytes, bytes] | None = getattr(codec, "enclosing", None)
    if around is None:
        return
    for _ in range(_BATCHES):
        piece = codec.encode(_envelope(rng))
        made = codec.join([piece])
        if made != around[0] + piece + around[1]:
            raise Broken(f"join made {made[:20]!r}... of {piece[:20]!r}..., which {around!r} do not enclose")


@RULES.rule()
def types(serializer: SerializerSubject, seed: int) -> None:
    """`encode` and `join` return bytes, `decode_batch` returns a list of pairs."""
    codec = serializer.make()
    piece = codec.encode(("m", 1))
    body = codec.join([piece])
    for what, made in (("encode", piece), ("join", body)):
        if not isinstance(made, bytes):
            raise Broken(f"{what} returned {type(made).__name__}, not bytes")
    _decode(codec, body)


@RULES.rule()
def unfit_messages(serializer: SerializerSubject, seed: int) -> None:
    """What cannot be sent is an error of `encode`, or arrives as plain data; what comes next is not touched by it."""
    codec = serializer.make()
    for unfit in (object(), [{"deep": object()}], print, type, canary.Canary()):
        if _try_encode(codec, unfit) is not None:
            raise Broken(f"a {type(unfit).__name__} was encoded, which the other end could only make by executing code")
        _expect(codec, [("m", "next")], [("m", "next")])


@RULES.rule()
def nothing_executed(serializer: SerializerSubject, seed: int) -> None:
    """No bytes make `decode_batch` execute anything, or import anything that they name."""
    codec = serializer.make()
    sung = len(canary.songs)
    bodies = canary.eggs()
    piece = _try_encode(codec, canary.Canary())
    if piece is not None:
        bodies.append(codec.join([piece]))
    for body in bodies:
        _survive(codec, body)
        if len(canary.songs) > sung:
            raise Broken(f"decoding {body[:60]!r} executed what it names")


@RULES.rule()
def garbage(serializer: SerializerSubject, seed: int) -> None:
    """Bytes that are no body are refused with a ValueError (or MemoryError, OverflowError, RecursionError)."""
    rng, codec = seeded(seed, "garbage"), serializer.make()
    body = codec.join([codec.encode(_envelope(rng)) for _ in range(3)])
    for odd in (
        b"",
        b"5",
        b"null",
        b"[1]",
        b"[[1, 2]]",
        b"{}",
        b"\xc0",
        b"\x91\xc0",
        b"[" * 100_000,
        b"\x91" * 100_000,
    ):
        _survive(codec, odd)
    for _ in range(200):
        _survive(codec, rng.randbytes(rng.randrange(64)))
        _survive(codec, body[: rng.randrange(len(body))])
        _survive(codec, _damage(rng, body))


@RULES.rule()
def borrowed_memory(serializer: SerializerSubject, seed: int) -> None:
    """Nothing of the memory that `decode_batch` gets is kept: it is used again."""
    rng, codec = seeded(seed, "memory"), serializer.make()
    sent: list[Envelope] = [_envelope(rng) for _ in range(5)]
    piece = _try_encode(codec, b"borrowed")
    pieces = [codec.encode(envelope) for envelope in sent]
    if piece is not None:
        sent, pieces = [*sent, ("m", b"borrowed")], [*pieces, piece]
    memory = bytearray(codec.join(pieces))
    view = memoryview(memory)
    arrived = codec.decode_batch(view)
    memory[:] = bytes(len(memory))
    if arrived != sent:
        raise Broken("what arrived changed when the memory was used again")
    try:
        view.release()
        memory.clear()
    except BufferError as error:
        raise Broken(f"the memory is still held: {error}") from error


@RULES.rule()
def big_messages(serializer: SerializerSubject, seed: int) -> None:
    """A text of 8 MiB and a list of 100,000 numbers arrive."""
    codec = serializer.make()
    for message in ("x" * _BIG, list(range(100_000))):
        _expect(codec, [("m", message)], [("m", message)])


def _expect(codec: Serializer, batch: Sequence[Envelope], expected: Sequence[Envelope]) -> None:
    arrived = _decode(codec, codec.join([codec.encode(envelope) for envelope in batch]))
    if arrived != expected:
        pairs = zip(expected, arrived, strict=False)
        sent, got = next(((s, g) for s, g in pairs if s != g), (len(expected), len(arrived)))
        raise Broken(f"{str(sent)[:200]} arrived as {str(got)[:200]}")


def _decode(codec: Serializer, body: bytes) -> list[tuple[str, Any]]:
    arrived = codec.decode_batch(memoryview(body))
    _check_shape(arrived)
    return arrived


def _survive(codec: Serializer, body: bytes) -> None:
    try:
        arrived: object = codec.decode_batch(memoryview(body))
    except REFUSALS:
        return
    except Exception as error:
        raise Broken(f"{body[:60]!r} raised {type(error).__name__}: {error}") from error
    _check_shape(arrived)


def _check_shape(arrived: object) -> None:
    is_batch = isinstance(arrived, list) and all(
        isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in arrived
    )
    if not is_batch:
        raise Broken(f"decode_batch returned {str(arrived)[:100]}, no list of (mailbox, message)")


def _try_encode(codec: Serializer, message: object) -> bytes | None:
    try:
        return codec.encode(("m", message))
    except Exception:  # noqa: BLE001 - any is allowed
        return None


def _damage(rng: Random, body: bytes) -> bytes:
    damaged = bytearray(body)
    for _ in range(rng.randrange(1, 5)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def _envelope(rng: Random) -> Envelope:
    return rng.choice(("m", "greeter", "a.b:c@d-e", "m" * 128)), _message(rng, 3)


def _message(rng: Random, depth: int) -> object:
    kind = rng.randrange(6 if depth else 4)
    if kind == 4:
        return [_message(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 5:
        return {rng.choice(_TEXTS): _message(rng, depth - 1) for _ in range(rng.randrange(4))}
    return (rng.choice((None, True, False)), rng.choice(_NUMBERS), rng.choice(_TEXTS), rng.random())[kind]
