"""The channel policy `block`: the sender waits until there is room: backpressure."""

from partisan_core.kinds import ChannelPolicyPlugin, LaneQueue, Verdict
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


class Block:
    """Answers WAIT, always."""

    keeps_all = True

    def make_room(self, lane: LaneQueue, size: int) -> Verdict:
        """See `ChannelPolicy`."""
        return Verdict.WAIT


@hookimpl
def partisan_channel_policy() -> ChannelPolicyPlugin:
    """Hand over the policy."""
    return ChannelPolicyPlugin(policy=Block())
