"""From a section of the configuration to a loaded plugin and its options, with errors that name file and key."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, TypeVar

from partisan_core.config.loader import structure_options
from partisan_core.config.model import DEFAULT_CHANNEL, Config, Selection
from partisan_core.errors import ConfigError, PluginError
from partisan_core.identity import check_name
from partisan_core.kinds import ChannelPolicy, ChannelPolicyPlugin, CompressionOptions, CompressionPlugin
from partisan_core.plugins import Plugins, blaming
from partisan_core.wire.checksums import CRC32, Checksum
from partisan_core.wire.limits import HELLO_CHECKSUMS


class Configurable(Protocol):
    """The record of a plugin."""

    @property
    def config(self) -> type:
        """The class of the plugin's options."""


_Plugin = TypeVar("_Plugin", bound=Configurable)


class _HasPolicy(Protocol):
    policy: ChannelPolicy


_ChannelT = TypeVar("_ChannelT", bound=_HasPolicy)


def checked_channels(config: Config, channels: dict[str, _ChannelT]) -> dict[str, _ChannelT]:
    """Raise `ConfigError` when the keys of a channel do not go together with the policies there are."""
    for name in config.channels:
        _check_fallback(config, name, channels)
        _check_ack(config, name, channels[name].policy)
    return channels


def _check_fallback(config: Config, name: str, channels: Mapping[str, _HasPolicy]) -> None:
    """A state that takes the place of others does so within one queue, and would overtake them in another."""
    keeper = next((one for one in (name, DEFAULT_CHANNEL) if hasattr(channels[one].policy, "open_queue")), None)
    if config.channels[name].fallback == "default" and keeper is not None:
        key, policy = f"channels.{name}.fallback", config.channels[keeper].policy.use
        raise ConfigError(
            f'{config.origins.get(key, "default")}: {key} = "default": "wait" or "refuse", as the policy '
            f"{policy!r} of channel {keeper!r} keeps a queue of its own"
        )


def _check_ack(config: Config, name: str, policy: ChannelPolicy) -> None:
    """What is dropped, or goes another way, is not acknowledged."""
    settings, key = config.channels[name], f"channels.{name}.ack"
    against = ""
    if not getattr(policy, "keeps_all", False):
        against = f"not with the policy {settings.policy.use!r}, which may drop messages"
    elif settings.fallback == "default":
        against = 'not with fallback = "default", by which messages may go over another channel'
    if settings.ack and against:
        raise ConfigError(f"{config.origins.get(key, 'default')}: {key} = true: {against}")


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
    selection = config.channels[channel].policy
    with named_by(config, f"channels.{channel}.policy"):
        plugin, options = _select_for_channel(config, channel, "policy", selection, load)
        if plugin.make is not None:
            return plugin.make(options)
        if plugin.policy is None:
            raise PluginError(f"the channel policy {selection.use!r} hands over neither a policy nor what makes one")
        return plugin.policy


def select_compression(
    config: Config, channel: str, selection: Selection, load: Callable[[str], CompressionPlugin]
) -> tuple[CompressionPlugin, CompressionOptions]:
    """The compression that a channel selects, and its options; raises as `select`."""
    with named_by(config, f"channels.{channel}.compression"):
        plugin, options = _select_for_channel(config, channel, "compression", selection, load)
        if not isinstance(options, CompressionOptions):
            raise PluginError(f"the compression {selection.use!r}: its config is no subclass of CompressionOptions")
        return plugin, options


def _select_for_channel(
    config: Config, channel: str, key: str, selection: Selection, load: Callable[[str], _Plugin]
) -> tuple[_Plugin, object]:
    plugin = load(selection.use)
    located = replace(selection, origins=config.origins)
    options: object = structure_options(located, plugin.config, "channels", channel, key)
    return plugin, options


def select_checksums(config: Config, plugins: Plugins) -> dict[str, Checksum]:
    """The checksums that this node offers its peers beside the CRC-32, by name, in the order of preference.

    Raises:
        PluginError: one cannot be loaded, or makes no checksums.
    """
    pinned = config.links.checksum
    names = plugins.names("checksum")[:HELLO_CHECKSUMS] if pinned is None else [pinned]
    with named_by(config, "links.checksum"):
        return {name: _make_checksum(name, plugins) for name in names if name != CRC32}


def _make_checksum(name: str, plugins: Plugins) -> Checksum:
    """Tried once: what is wrong with it shows here, and not when the first frame is made."""
    plugin = plugins.checksum(name)
    with blaming(f"the checksum {name!r}", "its name or first digest"):
        checksum = Checksum(check_name(name), plugin.new)
        made = len(checksum.make(b"head", memoryview(b"body")))
    if made != Checksum.size:
        raise PluginError(f"the checksum {name!r} makes digests of {made} bytes, at least {Checksum.size} are needed")
    return checksum
