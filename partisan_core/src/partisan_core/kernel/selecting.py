"""From a section of the configuration to a loaded plugin and its options, with errors that name file and key."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, TypeVar

from partisan_core.config.loader import structure_options
from partisan_core.config.model import Config, Selection
from partisan_core.errors import PluginError
from partisan_core.kinds import ChannelPolicy, ChannelPolicyPlugin


class _Configurable(Protocol):
    @property
    def config(self) -> type:
        """The class of the plugin's options."""


_Plugin = TypeVar("_Plugin", bound=_Configurable)


@contextmanager
def named_by(config: Config, key: str) -> Iterator[None]:
    """A plugin that cannot be loaded in this block was asked for by `key`: say where that stands."""
    try:
        yield
    except PluginError as error:
        raise PluginError(f"{config.origins.get(key, 'default')}: {key}: {error}") from error


def select(config: Config, section: str, load: Callable[[str], _Plugin]) -> tuple[_Plugin, object]:
    """The plugin that `[section]` uses, and its options.

    Raises:
        PluginError: it cannot be loaded.
        ConfigError: its part of the table is wrong.
    """
    selection: Selection = getattr(config, section)
    with named_by(config, f"{section}.use"):
        plugin = load(selection.use)
    options: object = structure_options(selection, plugin.config, section)
    return plugin, options


def select_policy(config: Config, channel: str, load: Callable[[str], ChannelPolicyPlugin]) -> ChannelPolicy:
    """The policy of a channel, made with its options when it takes some; raises as `select`."""
    selection = replace(config.channels[channel].policy, origins=config.origins)
    with named_by(config, f"channels.{channel}.policy"):
        plugin = load(selection.use)
        options: object = structure_options(selection, plugin.config, "channels", channel, "policy")
        if plugin.make is not None:
            return plugin.make(options)
        if plugin.policy is None:
            raise PluginError(f"the channel policy {selection.use!r} hands over neither a policy nor what makes one")
        return plugin.policy
