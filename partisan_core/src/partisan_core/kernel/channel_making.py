"""Channels as the configuration says: each with its policy, serializer and compression."""

from collections.abc import Callable
from random import Random

from msgspec import Struct, field

from partisan_core.config.model import Config
from partisan_core.drops import DropReason
from partisan_core.interposition import Deliver
from partisan_core.kernel.channels import MEMBERSHIP, Channel, MembershipCodec
from partisan_core.kernel.compressing import Compressions
from partisan_core.kernel.selecting import checked_channels, named_by, select, select_policy
from partisan_core.kernel.states import CallLater
from partisan_core.kinds import Serializer
from partisan_core.plugins import Plugins

_CODEC_OF_THE_CORE = ""


class ChannelMaker(Struct, eq=False):
    """Makes the channels of one node; a serializer that several of them use is made once."""

    _plugins: Plugins
    _compressions: Compressions
    _deliver: Deliver
    _drop: Callable[[DropReason, int], None]
    _call_later: CallLater
    _rng: Random
    _serializers: dict[str, Serializer] = field(default_factory=dict)

    def make_all(self, config: Config, codec: MembershipCodec, deliver: Deliver) -> dict[str, Channel]:
        """The membership channel, with its codec and whom its messages go to, and all others of `config`."""
        own = self._make(config, MEMBERSHIP, _CODEC_OF_THE_CORE, codec, deliver)
        others = {name: self.make(config, name) for name in config.channels if name != MEMBERSHIP}
        return checked_channels(config, {MEMBERSHIP: own} | others)

    def make(self, config: Config, name: str) -> Channel:
        """A channel of the application, as `config` says; it is not one of the node's yet.

        Raises:
            PluginError, ConfigError: its policy or serializer cannot be loaded, or is configured wrongly.
        """
        codec_name = config.channels[name].serializer or config.serializer.use
        return self._make(config, name, codec_name, self._serializer(config, name, codec_name), self._deliver)

    def _make(self, config: Config, name: str, codec_name: str, codec: Serializer, deliver: Deliver) -> Channel:
        policy = select_policy(config, name, self._plugins.channel_policy)
        self._compressions.add(config, name)
        settings, batch = config.channels[name], config.limits.batch
        drop, call_later = self._drop, self._call_later
        return Channel(name, settings, policy, codec_name, codec, deliver, batch, drop, call_later, self._rng)

    def _serializer(self, config: Config, channel: str, use: str) -> Serializer:
        """The node's serializer, or one that only this channel asks for, with its own defaults."""
        if use not in self._serializers:
            if use == config.serializer.use:
                plugin, options = select(config, "serializer", self._plugins.serializer)
            else:
                with named_by(config, f"channels.{channel}.serializer"):
                    plugin = self._plugins.serializer(use)
                options = plugin.config()
            self._serializers[use] = plugin.make(options)
        return self._serializers[use]
