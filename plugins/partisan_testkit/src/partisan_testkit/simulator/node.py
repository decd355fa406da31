"""One life of a simulated node."""

from collections.abc import Mapping

from partisan_core.host import StrategyHost
from partisan_core.identity import Address, NodeSpec
from partisan_core.strategy import MembershipStrategy

_PORTS_OF_A_HOST = 50_000


def own_address(number: int) -> Address:
    """Return the address of a life by its number: long churn has more lives than one host has ports."""
    host, port = divmod(number, _PORTS_OF_A_HOST)
    return Address(f"10.0.{host // 250}.{host % 250 + 1}", 10_000 + port)


class SimulatedNode:
    """A real strategy in its real host. A restart is another object; so are two nodes that claim one name."""

    __slots__ = (
        "alive",
        "host",
        "leaving",
        "links",
        "received_bytes",
        "sent_bytes",
        "slowness",
        "spec",
        "strategy",
        "wanted",
    )

    def __init__(self, spec: NodeSpec, strategy: MembershipStrategy) -> None:
        self.spec = spec
        self.strategy = strategy
        self.host = StrategyHost(strategy)
        self.alive = True
        self.leaving = False
        self.wanted: dict[str, NodeSpec] = {}
        self.links: dict[int, SimulatedNode] = {}
        """The other ends of its working links by their instance, in the order in which they came up."""
        self.slowness = 0
        """Milliseconds by which it handles everything late."""
        self.sent_bytes = 0
        self.received_bytes = 0

    @property
    def name(self) -> str:
        """The name, which other nodes may claim too."""
        return self.spec.name

    @property
    def view(self) -> Mapping[str, NodeSpec]:
        """Whom its strategy knows."""
        return self.strategy.members()

    def wants(self, other: "SimulatedNode") -> bool:
        """Say whether it wants a link to this life of `other`, or to an older one."""
        wanted = self.wanted.get(other.spec.name)
        return wanted is not None and wanted.life <= other.spec.life

    def __str__(self) -> str:
        return str(self.spec)
