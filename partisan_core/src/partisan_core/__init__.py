"""Partisan for Python: membership, connections and messages for trio programs.

General layout. Pure (no I/O, no clock, no randomness of their own): `identity`, `events`, `effects`, `strategy`,
`host`, `membership`, `detection`, `refs`, `downs`, `wire`, `policies`, `detectors`, `kernel._links`. What meets trio:
`kernel`, `transports`, `mailboxes`, `monitors`, `node`, `opening`. What meets other people's code: `kinds`,
`hookspecs`, `plugins`, `config`.

Names are imported when they are first used: an overlay that needs the pure part alone does not pay for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from partisan_core.version import VERSION

if TYPE_CHECKING:
    from partisan_core.config.loader import load_config as load_config
    from partisan_core.config.model import Config as Config
    from partisan_core.downs import Down as Down
    from partisan_core.downs import DownReason as DownReason
    from partisan_core.identity import Address as Address
    from partisan_core.identity import NodeSpec as NodeSpec
    from partisan_core.kernel.receipts import Receipt as Receipt
    from partisan_core.mailboxes import Mailbox as Mailbox
    from partisan_core.monitors import Monitor as Monitor
    from partisan_core.node import Node as Node
    from partisan_core.opening import open_node as open_node
    from partisan_core.plugins import hookimpl as hookimpl
    from partisan_core.refs import Ref as Ref
    from partisan_core.strategy import MembershipStrategy as MembershipStrategy

__version__ = VERSION

_HOMES = {
    "Address": "identity",
    "Config": "config.model",
    "Down": "downs",
    "DownReason": "downs",
    "Mailbox": "mailboxes",
    "MembershipStrategy": "strategy",
    "Monitor": "monitors",
    "Node": "node",
    "NodeSpec": "identity",
    "Receipt": "kernel.receipts",
    "Ref": "refs",
    "hookimpl": "plugins",
    "load_config": "config.loader",
    "open_node": "opening",
}

__all__ = [*sorted(_HOMES)]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
