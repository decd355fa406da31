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


def check_linked(peer: Peer, ref: Ref) -> None:
    """Raise `NotAcknowledged` for what needs a link of one's own: messages in causal order."""
    if peer.spec.name != ref.node:
        raise NotAcknowledged(
            f"messages to {ref} are relayed by {peer.spec.name}, and kept in causal order only over a link of one's "
            f'own; nothing was sent. Send without `causal`, or set routing.unconnected = "dial" where the node can be '
            f"reached"
        )


def check_acknowledger(peer: Peer) -> None:
    """Raise `NotAcknowledged` when the node, or the relay to it, acknowledges nothing."""
    if not peer.acknowledges:
        raise NotAcknowledged(
            f"node {peer.spec.name} runs a version that acknowledges nothing; nothing was sent. Upgrade it, or send "
            f"without `ack`"
        )
