"""The transport `virtual`: connections of simulated nodes. A network exists while its cluster runs."""

from dataclasses import dataclass

from partisan_core.errors import StartError
from partisan_core.kinds import Transport, TransportPlugin
from partisan_core.plugins import hookimpl
from partisan_testkit.wholenodes.network import VirtualNetwork

PARTISAN_API = "1.3"

networks: dict[str, VirtualNetwork] = {}
"""Those of this process, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualOptions:
    """`[transport]` with `use = "virtual"`, as `partisan_testkit.cluster` writes it."""

    network: str = ""
    """The network of a simulation. Without one the transport cannot be used."""
    endpoint: str = ""
    """Which of the network's endpoints this node is."""


def _endpoint(options: VirtualOptions) -> Transport:
    network = networks.get(options.network)
    if network is None or options.endpoint not in network.endpoints:
        raise StartError(
            "the transport virtual is for nodes of a simulated cluster; open one: partisan_testkit.cluster"
        )
    return network.endpoints[options.endpoint]


@hookimpl
def partisan_transport() -> TransportPlugin:
    """Nothing of it leaves this process."""
    return TransportPlugin(make=_endpoint, config=VirtualOptions, private=True)
