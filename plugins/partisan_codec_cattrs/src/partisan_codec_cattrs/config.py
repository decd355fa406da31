"""The rest of the table `[serializer]` when it says `use = "cattrs"`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CattrsConfig:
    """Which classes travel, and how strictly they are read."""

    types: tuple[str, ...] = ()
    """`package.module:Class` or `tag=package.module:Class` for each, imported at the start; the tag is what stands on
    the wire, by default the name of the class. By default none: then only plain data travels."""
    forbid_extra_keys: bool = True
    """Refuse a field that the class here does not have. Chosen: a field that is ignored is lost in silence. False lets
    newer programs, whose classes have gained fields, talk to older ones."""
