"""The channel policy `drop_newest`: a full lane drops the new message: what waits already is worth more."""

from partisan_core.kinds import ChannelPolicyPlugin, LaneQueue, Verdict
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


class DropNewest:
    """Answers REJECT, always."""

    def make_room(self, lane: LaneQueue, size: int) -> Verdict:
        """See `ChannelPolicy`."""
        return Verdict.REJECT


@hookimpl
def partisan_channel_policy() -> ChannelPolicyPlugin:
    """Hand over the policy."""
    return ChannelPolicyPlugin(policy=DropNewest())
