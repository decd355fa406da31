"""The channel policy `drop_oldest`: a full lane drops what waits longest: what is new is worth more."""

from partisan_core.kinds import ChannelPolicyPlugin, LaneQueue, Verdict
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


class DropOldest:
    """Drops as many of the oldest messages as the new one needs."""

    def make_room(self, lane: LaneQueue, size: int) -> Verdict:
        """See `ChannelPolicy`. Ends at an empty lane at the latest, which takes any one message."""
        while not lane.fits(size):
            lane.drop_oldest()
        return Verdict.ROOM


@hookimpl
def partisan_channel_policy() -> ChannelPolicyPlugin:
    """Hand over the policy."""
    return ChannelPolicyPlugin(policy=DropOldest())
