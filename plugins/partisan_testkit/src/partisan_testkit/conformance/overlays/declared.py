"""What an overlay says of itself: the class, its messages, its configuration. The seed means nothing here."""

from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from random import Random

from msgspec import MsgspecError, Struct, inspect
from msgspec.msgpack import Decoder, encode

from partisan_core.identity import NodeSpec
from partisan_core.membership import Entry
from partisan_testkit.conformance.forging import Forger
from partisan_testkit.conformance.rules import Broken, Catalogue
from partisan_testkit.conformance.subjects import NODES, OverlaySubject
from partisan_testkit.simulator import seeded

RULES: Catalogue[OverlaySubject] = Catalogue("overlay")

_METHODS = ("handle", "members", "links", "next_hop", "snapshot", "restore")
_ROUND_TRIPS = 20


@RULES.rule()
def interface(overlay: OverlaySubject, seed: int) -> None:
    """The machine has the methods of `MembershipStrategy`, and as many `capabilities` as its plugin tells."""
    strategy = overlay.make(overlay.spec(0), Random(seed))
    missing = [name for name in _METHODS if not callable(getattr(strategy, name, None))]
    if missing:
        raise Broken(f"{type(strategy).__name__} has no {', '.join(missing)}()")
    own, told = sorted(strategy.capabilities), sorted(overlay.capabilities)
    if own != told:
        raise Broken(f"its capabilities are {own}, and its plugin says {told}")


@RULES.rule()
def config(overlay: OverlaySubject, seed: int) -> None:
    """The configuration is a frozen dataclass, and a table without any key but `use` and `peers` is enough for it."""
    kind = overlay.plugin.config
    if not is_dataclass(kind):
        raise Broken(f"{kind.__name__} is no dataclass")
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise Broken(f"{kind.__name__} is not frozen: write @dataclass(frozen=True)")
    overlay.config  # noqa: B018 - reading it is the test


@RULES.rule()
def messages(overlay: OverlaySubject, seed: int) -> None:
    """Messages are frozen, tagged, `array_like` Structs, and no two have one tag."""
    kinds = _kinds(overlay)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Struct)):
            raise Broken(f"{kind!r} is no msgspec.Struct")
        asked = {"frozen": kind.__struct_config__.frozen, "array_like": kind.__struct_config__.array_like}
        asked["tag"] = kind.__struct_config__.tag is not None
        lacking = [word for word, has in asked.items() if not has]
        if lacking:
            raise Broken(f"{kind.__name__} is declared without {', '.join(lacking)}")
    tags = [kind.__struct_config__.tag for kind in kinds]
    twice = sorted({str(tag) for tag in tags if tags.count(tag) > 1})
    if twice:
        raise Broken(f"the tag {twice[0]!r} stands for more than one message")


@RULES.rule()
def round_trip(overlay: OverlaySubject, seed: int) -> None:
    """Each message that is encoded as one of `messages` is decoded as the same."""
    kinds = _kinds(overlay)
    if not kinds:
        return
    for kind in kinds:
        foreign = _find(inspect.type_info(kind), _is_foreign)
        if foreign:
            raise Broken(f"{kind.__name__}: {foreign} is of a type that the core cannot encode or decode")
    decoder = Decoder(_union(kinds))
    forger = Forger(seeded(seed, "forger"), [overlay.spec(number) for number in range(NODES)])
    for kind in kinds:
        for _ in range(_ROUND_TRIPS):
            message = forger.message([kind])
            if message is None:
                break
            try:
                arrived = decoder.decode(encode(message))
            except MsgspecError as error:
                raise Broken(f"{message} does not survive the wire: {error}") from error
            if arrived != message or type(arrived) is not kind:
                raise Broken(f"{message} arrives as {arrived}")


@RULES.rule()
def bounded_messages(overlay: OverlaySubject, seed: int) -> None:
    """Each list, table and set in a message has a `max_length`, so that no peer can fill a node with one message."""
    for kind in _kinds(overlay):
        unbounded = _find(inspect.type_info(kind), _is_unbounded)
        if unbounded:
            raise Broken(f"{kind.__name__}: {unbounded} has no bound: write Annotated[..., Meta(max_length=...)]")


def _kinds(overlay: OverlaySubject) -> list[type[Struct]]:
    return list(overlay.make(overlay.spec(0), Random(0)).messages)


def _union(kinds: list[type[Struct]]) -> type[Struct]:
    union = kinds[0]
    for other in kinds[1:]:
        union = union | other  # type: ignore[assignment]
    return union


def _is_unbounded(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.CollectionType | inspect.DictType) and kind.max_length is None


def _is_foreign(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.CustomType | inspect.AnyType | inspect.RawType)


def _find(kind: inspect.Type, is_wrong: Callable[[inspect.Type], bool], path: str = "it") -> str | None:
    """Where the first wrong type is; what the core bounds itself is passed over."""
    if is_wrong(kind):
        return path
    found = (_find(inner, is_wrong, name) for inner, name in _inside(kind, path))
    return next(filter(None, found), None)


def _inside(kind: inspect.Type, path: str) -> Iterable[tuple[inspect.Type, str]]:
    match kind:
        case inspect.Metadata(type=inner):
            return [(inner, path)]
        case inspect.StructType(cls=cls, fields=fields) if cls not in (NodeSpec, Entry):
            return [(one.type, one.name) for one in fields]
        case inspect.DictType(key_type=key, value_type=value):
            return [(key, f"a key of {path}"), (value, f"a value of {path}")]
        case inspect.CollectionType(item_type=item):
            return [(item, f"an item of {path}")]
        case inspect.TupleType(item_types=types) | inspect.UnionType(types=types):
            return [(one, path) for one in types]
    return []
