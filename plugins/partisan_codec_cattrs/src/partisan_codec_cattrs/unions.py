"""Fields of several types. `X | None` is X or nothing on the wire; of more, each is a pair of its tag and its data.

The tag is that under which a class is registered, else the name of the type: what stands on the wire says by itself
what it is, and nothing is guessed from which fields there are.
"""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from cattrs import Converter

from partisan_codec_cattrs.hooks import Reader, Writer, expected, name_of, reader_inside, writer_inside
from partisan_core.errors import ConfigError


def is_union(kind: object) -> bool:
    """Whether it is `X | Y`, or `Union[X, Y]`, or `Optional[X]`."""
    return get_origin(kind) in (Union, UnionType)


def union_writer(kind: Any, converter: Converter, tags: Mapping[type, str]) -> Writer:  # noqa: ANN401 - an annotation
    """Write what is of one of the types."""
    members = _members(kind, tags)
    writers = {tag: writer_inside(member, converter) for tag, member in members.items()}
    tag_of = {get_origin(member) or member: tag for tag, member in members.items()}
    allows_none = NoneType in get_args(kind)

    def hook(value: object) -> object:
        if value is None and allows_none:
            return None
        if len(members) == 1:
            return writers[next(iter(members))](value)
        tag = tag_of.get(type(value))
        if tag is None:
            raise expected(kind, value)
        return [tag, writers[tag](value)]

    return hook


def union_reader(kind: Any, converter: Converter, tags: Mapping[type, str]) -> Reader:  # noqa: ANN401 - an annotation
    """Read what its tag says."""
    members = _members(kind, tags)
    readers = {tag: (member, reader_inside(member, converter)) for tag, member in members.items()}
    allows_none = NoneType in get_args(kind)

    def hook(value: Any, _: object) -> object:  # noqa: ANN401 - a peer wrote it
        if value is None and allows_none:
            return None
        if len(members) == 1:
            member, read = next(iter(readers.values()))
            return read(value, member)
        if type(value) is not list or len(value) != 2:
            raise expected(f"a pair of a tag and data for {name_of(kind)}", value)
        tag, data = value
        if type(tag) is not str or tag not in readers:
            raise ValueError(f"expected one of the tags {', '.join(sorted(readers))}, got {str(tag)[:100]!a}")
        member, read = readers[tag]
        return read(data, member)

    return hook


def _members(kind: object, tags: Mapping[type, str]) -> dict[str, Any]:
    """The types of a union by their tags.

    Raises:
        ConfigError: two have the same tag, so that a reader could not tell them apart.
    """
    found: dict[str, Any] = {}
    for member in get_args(kind):
        base = get_origin(member) or member
        if base is NoneType:
            continue
        tag = tags.get(base) or name_of(base)
        if tag in found:
            raise ConfigError(f"two types of {name_of(kind)} are both called {tag!r} on the wire")
        found[tag] = member
    if len(found) > 1 and not all(isinstance(get_origin(member) or member, type) for member in found.values()):
        raise ConfigError(f"a value does not say of which type of {name_of(kind)} it is: put a class around it")
    return found
