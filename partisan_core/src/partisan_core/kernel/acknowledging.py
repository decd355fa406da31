"""Which messages cannot be acknowledged, and why."""

from partisan_core.errors import NotAcknowledged
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.peer import Peer
from partisan_core.refs import Ref


def check_acknowledging(channel: Channel) -> None:
    """Raise `NotAcknowledged` when the settings of the channel are against it."""
    key = f"channels.{channel.name}"
    if not getattr(channel.policy, "keeps_all", False):
        raise NotAcknowledged(
            f"messages of channel {channel.name!r} cannot be acknowledged: its policy "
            f"{channel.settings.policy.use!r} may drop them; nothing was sent. Send without `ack`, or over a channel "
            f'with {key}.policy = "block"'
        )
    if channel.settings.fallback == "default":
        raise NotAcknowledged(
            f"messages of channel {channel.name!r} cannot be acknowledged: they may go over another channel; nothing "
            f'was sent. Send without `ack`, or set {key}.fallback to "wait" or "refuse"'
        )


def check_acknowledger(peer: Peer, ref: Ref) -> None:
    """Raise `NotAcknowledged` when there is no direct way to a node that acknowledges."""
    if peer.spec.name != ref.node:
        raise NotAcknowledged(
            f"messages to {ref} are relayed by {peer.spec.name}, and acknowledged only over a link of one's own; "
            f'nothing was sent. Send without `ack`, or set routing.unconnected = "dial" where the node can be reached'
        )
    if not peer.acknowledges:
        raise NotAcknowledged(
            f"node {ref.node} runs a version that acknowledges nothing; nothing was sent. Upgrade it, or send "
            f"without `ack`"
        )
