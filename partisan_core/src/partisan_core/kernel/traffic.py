"""What connections carried, by channel: the living are asked, of the ended the sums are kept."""

from collections import Counter, defaultdict

from partisan_core.kernel.connection import Connection
from partisan_core.views import ChannelRow


class Traffic:
    """Told when a connection begins and ends; costs nothing in between."""

    def __init__(self) -> None:
        self._living: set[Connection] = set()
        self._opened: Counter[str] = Counter()
        self._ended: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def begin(self, connection: Connection) -> None:
        """A connection is put to work."""
        self._living.add(connection)
        self._opened[connection.lane.channel] += 1

    def end(self, connection: Connection) -> None:
        """It is over, and carries nothing any more."""
        self._living.remove(connection)
        self._ended[connection.lane.channel].update(_carried(connection))

    def row(self, channel: str) -> ChannelRow:
        """The sums of one channel."""
        carried = Counter(self._ended[channel])
        living = [connection for connection in self._living if connection.lane.channel == channel]
        for connection in living:
            carried.update(_carried(connection))
        return ChannelRow(channel=channel, connections=len(living), opened=self._opened[channel], **carried)


def _carried(connection: Connection) -> dict[str, int]:
    return {
        "bytes_in": connection.reader.bytes_in,
        "bytes_out": connection.writer.bytes_out,
        "frames_in": connection.frames_in,
        "frames_out": connection.writer.frames_out,
        "messages_in": connection.incoming.messages,
        "messages_out": connection.writer.messages_out,
    }
