"""Serializers with one fault each: `BREAKS` says which rule has to find which."""

import json
import pickle
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from partisan_core.kinds import Serializer, SerializerPlugin

BREAKS: dict[str, str] = {}
T = TypeVar("T", bound=Serializer)


def planted(rule: str) -> Callable[[type[T]], type[T]]:
    """Write down which rule has to find the fault of a class, and make a plugin of it."""

    def note(serializer: type[T]) -> type[T]:
        BREAKS[serializer.__name__] = rule
        globals()[f"{serializer.__name__}Plugin"] = SerializerPlugin(make=serializer)
        return serializer

    return note


class Json:
    """No fault: what the others are made of."""

    def __init__(self, config: object) -> None:
        pass

    def encode(self, envelope: tuple[str, object]) -> bytes:
        return json.dumps(envelope, allow_nan=False).encode()

    def join(self, pieces: Sequence[bytes]) -> bytes:
        return b"[" + b",".join(pieces) + b"]"

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        return msgspec.convert(json.loads(bytes(data)), list[tuple[str, Any]])


JsonPlugin = SerializerPlugin(make=Json)


@planted("serializer.plain-data")
class ForgettingNone(Json):
    def encode(self, envelope: tuple[str, object]) -> bytes:
        mailbox, message = envelope
        return super().encode((mailbox, message or 0))


@planted("serializer.all-or-nothing")
class WritingWhatItCannotWrite(Json):
    def encode(self, envelope: tuple[str, object]) -> bytes:
        return json.dumps(envelope, default=str).encode()


@planted("serializer.batches")
class NeedingAPiece(Json):
    def join(self, pieces: Sequence[bytes]) -> bytes:
        return super().join([pieces[0], *pieces[1:]])


@planted("serializer.independent-pieces")
class CountingItsPieces(Json):
    """Each piece has a number, and the other end puts them into that order."""

    _number = 0

    def encode(self, envelope: tuple[str, object]) -> bytes:
        self._number += 1
        return json.dumps([self._number, *envelope]).encode()

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        numbered = msgspec.convert(json.loads(bytes(data)), list[tuple[int, str, Any]])
        return [(mailbox, message) for _, mailbox, message in sorted(numbered, key=lambda one: one[0])]


@planted("serializer.enclosing")
class EnclosingOnOneSide(Json):
    enclosing = b"[", b""


@planted("serializer.types")
class JoiningIntoText(Json):
    def join(self, pieces: Sequence[bytes]) -> bytes:
        return bytearray(super().join(pieces))  # type: ignore[return-value]


class Pickle(Json):
    def encode(self, envelope: tuple[str, object]) -> bytes:
        return pickle.dumps(envelope)

    def join(self, pieces: Sequence[bytes]) -> bytes:
        return pickle.dumps(list(pieces))


@planted("serializer.unfit-messages")
class PicklingAnything(Pickle):
    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        try:
            return [pickle.loads(piece) for piece in pickle.loads(data)]
        except (
            pickle.UnpicklingError,
            EOFError,
            AttributeError,
            TypeError,
            KeyError,
            IndexError,
            ImportError,
        ) as error:
            raise ValueError(str(error)) from error


@planted("serializer.nothing-executed")
class Unpickling(PicklingAnything):
    pass


@planted("serializer.garbage")
class TrustingWhatArrives(Json):
    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        return [(mailbox, message) for mailbox, message in json.loads(bytes(data))]


class Lent(list[tuple[str, Any]]):
    """A list that holds on to what it was made of."""

    memory: memoryview


@planted("serializer.borrowed-memory")
class KeepingTheMemory(Json):
    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        lent = Lent(super().decode_batch(data))
        lent.memory = data[1:]
        return lent


@planted("serializer.big-messages")
class WithAShortBreath(Json):
    def encode(self, envelope: tuple[str, object]) -> bytes:
        return super().encode(envelope)[:65536]
