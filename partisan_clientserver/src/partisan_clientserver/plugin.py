"""The plugin `clientserver`."""

from random import Random

from partisan_clientserver._client import Client
from partisan_clientserver._protocol import Member
from partisan_clientserver._server import Server
from partisan_clientserver._views import Role, mislabelled, role_of
from partisan_clientserver.config import ClientServerConfig
from partisan_core.errors import StartError
from partisan_core.identity import NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.2"


def make_member(me: NodeSpec, config: ClientServerConfig, rng: Random) -> Server | Client:
    """Make the strategy for the role that the node's label names.

    Raises:
        StartError: the label is missing, or names no role.
    """
    match role_of(me):
        case Role.SERVER:
            return Server(me, config, rng)
        case Role.CLIENT:
            return Client(me, config, rng)
    raise StartError(f"overlay 'clientserver': node {me.name} {mislabelled(me)}; nothing was started")


@hookimpl
def partisan_overlay() -> OverlayPlugin:
    """Hand over the star."""
    return OverlayPlugin(
        make=make_member,
        config=ClientServerConfig,
        capabilities=Member.capabilities,
        unconnected="relay",
    )
