"""The channel policy `disconnect`: a peer that lets its lane run full is too slow, and starts afresh."""

from partisan_core.kinds import ChannelPolicyPlugin, LaneQueue, Verdict
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


class Disconnect:
    """Answers DISCONNECT, always."""

    def make_room(self, lane: LaneQueue, size: int) -> Verdict:
        """See `ChannelPolicy`."""
        return Verdict.DISCONNECT


@hookimpl
def partisan_channel_policy() -> ChannelPolicyPlugin:
    """Hand over the policy."""
    return ChannelPolicyPlugin(policy=Disconnect())
