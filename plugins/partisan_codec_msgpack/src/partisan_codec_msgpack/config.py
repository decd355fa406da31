"""The rest of the table `[serializer]` when it says `use = "msgpack"`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MsgpackConfig:
    """Which types arrive as what they were sent."""

    types: tuple[str, ...] = ()
    """`package.module:Type` or `tag=package.module:Type` for each `msgspec.Struct`, imported at the start; the tag is
    what stands on the wire, by default the name of the type. By default none: a Struct then arrives as a dict."""
