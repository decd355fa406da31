"""What this distribution hands to Partisan: the channel policy `monotonic`."""

from pkgutil import resolve_name
from typing import Any

from partisan_core.errors import PluginError
from partisan_core.kinds import ChannelPolicyPlugin
from partisan_core.plugins import hookimpl
from partisan_policy_monotonic.config import MonotonicConfig
from partisan_policy_monotonic.policy import Monotonic

PARTISAN_API = "1.3"


def _make(config: MonotonicConfig) -> Monotonic:
    supersedes, merge = _function("supersedes", config.supersedes), _function("merge", config.merge)
    return Monotonic(config.every, supersedes, merge)


def _function(key: str, name: str) -> Any:  # noqa: ANN401 - it is the application's
    """Import what the configuration of this node names."""
    if not name:
        return None
    try:
        function = resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise PluginError(f"{key} = {name!r} names no function, write package.module:name: {error}") from error
    if not callable(function):
        raise PluginError(f"{key} = {name!r} is a {type(function).__name__} and no function")
    return function


@hookimpl
def partisan_channel_policy() -> ChannelPolicyPlugin:
    """Hand over the policy."""
    return ChannelPolicyPlugin(make=_make, config=MonotonicConfig)
