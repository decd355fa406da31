"""The rest of the table `[overlay]` when it says `use = "static"`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import Expected, Name, Reading, Table
from partisan_core.errors import AddressError
from partisan_core.identity import Address, NodeSpec

_NAME = Name()


class Peer(Reading[NodeSpec]):
    """`name=host:port`: any life of that name, at that address."""

    def parse(self, value: object) -> NodeSpec:
        """Split at the first `=`, which is in no name."""
        name, equals, address = value.partition("=") if isinstance(value, str) else ("", "", "")
        if not equals:
            raise Expected('a name and its address, for example "beta=127.0.0.1:9091"')
        try:
            return NodeSpec(name, 0, 0, (Address.parse(address),))  # older than every life there is
        except AddressError as error:
            raise Expected(f"a name and its address; {error}") from None

    def check(self, value: NodeSpec) -> None:
        """Names have the pattern of all names."""
        _NAME.check(value.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticConfig(Table):
    """To whom a node is linked without having been told to join."""

    peers: tuple[Annotated[NodeSpec, Peer()], ...] = ()
    """`name=host:port` of each. The node's own name is passed over, so that a complete mesh may share one list."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Two addresses of one name would be two links."""
        names = [peer.name for peer in self.peers]
        if len({*names}) < len(names):
            yield ("peers",), "each name once"
