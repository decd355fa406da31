"""Mistakes of whole nodes: each in a copy of one function of the core, with the promise that it breaks.

Where Partisan 5.0.3 has the mistake, too, `partisan` says what it does there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import trio

from partisan_causal import CausalOrder
from partisan_core import NodeSpec
from partisan_core.downs import DownReason, Ending
from partisan_core.kernel._links import Link
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.monitors import Monitors, Watched
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.queue import Queue
from partisan_core.kernel.receipts import Progress
from partisan_core.kernel.requests import Request, Requests
from partisan_core.kernel.watchers import Watcher, Watchers
from partisan_core.mailboxes import Mailbox
from partisan_core.notices import NeighbourUp, Notice
from partisan_core.wire import frames
from partisan_core.wire.session import Admission, Session


class Planted(NamedTuple):
    """One mistake."""

    where: object
    name: str
    """Of what is replaced."""
    defect: object
    seen_by: str
    """The workload that it is shown to."""
    words: str
    """What is said of it."""
    partisan: str = ""
    seed: int = 0
    """The first that is tried: some mistakes take several faults together."""


# -- deliveries -------------------------------------------------------------------------------------------------

Envelope = tuple[str, dict[str, Any]]
Defect = Callable[[object, Envelope], list[Envelope]]
"""What is delivered, by the post office of a node, instead of a message."""

DELIVER, REPORT = PostOffice.deliver, Journal.report
HELD: dict[object, Envelope] = {}
"""What a mistake keeps for later: to be cleared before each run."""


def through(defect: Defect) -> Callable[..., object]:
    """Return what stands in for `PostOffice.deliver`."""

    def deliver(office: PostOffice, peer: NodeSpec, batch: list[Envelope], *more: object) -> object:
        return DELIVER(office, peer, [one for envelope in batch for one in defect(office, envelope)], *more)  # type: ignore[arg-type]

    return deliver


def twice(office: object, envelope: Envelope) -> list[Envelope]:
    return [envelope, envelope]


def late(office: object, envelope: Envelope) -> list[Envelope]:
    """Of three messages of one stream two change places."""
    held = HELD.pop(office, None)
    if held is not None:
        return [envelope, held]
    if envelope[1]["number"] % 3 == 0:
        HELD[office] = envelope
        return []
    return [envelope]


def changed(office: object, envelope: Envelope) -> list[Envelope]:
    name, message = envelope
    content = message["content"]
    return [(name, {**message, "content": content[:-1] + bytes([content[-1] ^ 1])} if content else message)]


def misdirected(office: object, envelope: Envelope) -> list[Envelope]:
    return [(envelope[0], {**envelope[1], "to": "node-0"})]


def lost(office: object, envelope: Envelope) -> list[Envelope]:
    return []


def most(office: object, envelope: Envelope) -> list[Envelope]:
    """Every third message of a stream is lost behind the acknowledgement."""
    return [envelope] if envelope[1]["number"] % 3 else []


def haunted(office: object, envelope: Envelope) -> list[Envelope]:
    """What an earlier life sent to this node comes after what its successor sends, as if it had been on its way."""
    name, incarnation, *_ = envelope[1]["stream"]
    first = HELD.setdefault((office, name), envelope)
    return [envelope, first] if first[1]["stream"][1] < incarnation else [envelope]


# -- notices, links and connections ------------------------------------------------------------------------------


def tell_twice(journal: Journal, notice: Notice) -> None:
    REPORT(journal, notice)
    if isinstance(notice, NeighbourUp):
        REPORT(journal, notice)


def raise_something(journal: Journal, notice: Notice) -> None:
    REPORT(journal, notice)
    if isinstance(notice, NeighbourUp) and trio.current_time() > 5:
        raise IndexError("out of names")


def dial_no_more(link: Link, reason: object) -> list[object]:
    """A dial that failed was the last one."""
    return []


def leave_open(connection: Connection, why: str) -> None:
    """Forgotten, but not closed."""
    connection._closed = True
    connection._scope.cancel()


def check_nothing(*trailer: object) -> None:
    """Bits that changed on the way are taken for what was sent."""


# -- acknowledgements ---------------------------------------------------------------------------------------------

NUMBER, ADMIT = Lane.number, Session.admit


def confirm_when_written(lane: Lane, queue: Queue, count: int, *rest: Any, **more: Any) -> object:
    """A receipt says that a message has left."""
    said = NUMBER(lane, queue, count, *rest, **more)
    queue.progress.confirm(queue.taken)
    return said


def confirm_never(progress: Progress, *words: object) -> None:
    """Receipts do not come."""


def admit_again(session: Session, first: int, count: int) -> Admission:
    """What was received over an earlier connection is not remembered."""
    return Admission(0, ADMIT(session, first, count).gap)


def refuse_nothing(session: Session, after: int) -> bool:
    """What is missing is not asked for."""
    return False


# -- monitors -----------------------------------------------------------------------------------------------------

TELL, TELL_WATCHER = Monitors._tell, Watchers._tell


def tell_down_twice(monitors: Monitors, watched: Watched, *rest: Any, **more: Any) -> None:
    TELL(monitors, watched, *rest, **more)
    if watched.to is not None and watched.monitor.down is not None:
        watched.to.put(watched.monitor.down)


def tell_normal(watchers: Watchers, watcher: Watcher, ending: Ending) -> None:
    """Whatever the reason was."""
    TELL_WATCHER(watchers, watcher, Ending(DownReason.NORMAL))


def ask_once(requests: Requests, request: Request) -> None:
    """What is lost is not said again."""
    requests.say(request)


def keep_watching(watchers: Watchers, peer: NodeSpec) -> None:
    """For a node that is dead."""


PLANTED = {
    "delivered twice": Planted(
        PostOffice, "deliver", through(twice), "sends", r"received message \d+ of .* after \d+"
    ),
    "out of order": Planted(PostOffice, "deliver", through(late), "sends", r"received message \d+ of .* after \d+"),
    "changed": Planted(PostOffice, "deliver", through(changed), "sends", r"its content has changed"),
    "bits changed on the way": Planted(
        frames, "_check_trailer", check_nothing, "sends", "its content has changed|never sent to it|a node raised",
        partisan="frames have no checksum", seed=3,
    ),
    "to another node": Planted(PostOffice, "deliver", through(misdirected), "sends", r"was never sent to it"),
    "all lost": Planted(PostOffice, "deliver", through(lost), "sends", r"did not arrive, with all well"),
    "from an older life": Planted(
        PostOffice, "deliver", through(haunted), "sends", r"after one of the newer life",
        partisan="references and messages outlive the life that they were meant for",
    ),
    "up told twice": Planted(Journal, "report", tell_twice, "neighbours", r"was told twice that .* is up"),
    "a part raises": Planted(
        Journal, "report", raise_something, "neighbours", r"a node raised IndexError\('out of names'\)"
    ),
    "a link is not dialled again": Planted(
        Link, "dial_failed", dial_no_more, "neighbours", r"s after the last fault: "
    ),
    "connections stay open": Planted(
        Connection, "close", leave_open, "leaks", r"connections for \d+ lanes",
        partisan="eviction does not close sockets",
    ),
    "acknowledged and lost": Planted(
        PostOffice, "deliver", through(most), "acked", r"there is a receipt of .*, which was not delivered",
        partisan="an acknowledgement is sent before the message is delivered",
    ),
    "acknowledged and delivered twice": Planted(
        PostOffice, "deliver", through(twice), "acked", r"received message \d+ of .* after \d+",
        partisan="what is sent again is delivered again",
    ),
    "acknowledged when written": Planted(
        Lane, "number", confirm_when_written, "acked", r"there is a receipt of .*, which was not delivered before"
    ),
    "no receipts": Planted(
        Progress, "confirm", confirm_never, "acked", r"there is no receipt of acknowledged message",
        partisan="acknowledgements of what was sent again with a causal label fit nothing",
    ),
    "a window that a reconnect forgets": Planted(
        Session, "admit", admit_again, "acked", r"received message \d+ of .* after \d+",
        partisan="a receiver has no window against duplicates",
    ),
    "what is missing is not asked for": Planted(
        Session, "refuses", refuse_nothing, "acked", r"there is (a|no) receipt of .*, which was not delivered", seed=4,
    ),
    "a call is carried out twice": Planted(Session, "admit", admit_again, "calls", r"for call \d+|call \d+ twice"),
    "a queue without bound": Planted(
        Queue, "fits", lambda queue, size: True, "bounds", r"messages of \d+ bytes queued"
    ),
    "kept without bound": Planted(
        Lane, "is_shut", False, "bounds", r"bytes that are not acknowledged",
        partisan="what is not acknowledged is kept without bound", seed=4,
    ),
    "a mailbox without bound": Planted(Mailbox, "is_full", False, "bounds", r"\d+ messages in mailbox burst", seed=4),
    "a rumour is not passed on": Planted(PostOffice, "deliver", through(lost), "flood", r"a broadcast of .* reached"),
    "a monitor is told twice": Planted(
        Monitors, "_tell", tell_down_twice, "monitors", r"told \w+ after \w+",
        partisan="a monitor of a node fires again at each later down",
    ),
    "a monitor is told once and not heard": Planted(
        Requests, "ask", ask_once, "monitors", r"told nothing, and it is no more",
        partisan="the end of what is monitored is told once, and may be lost",
    ),
    "a monitor is told another reason": Planted(
        Watchers, "_tell", tell_normal, "monitors", r"told normal, and how it ended is"
    ),
    "the dead watch on": Planted(
        Watchers, "on_link_down", keep_watching, "monitors", r"watches for \d+",
        partisan="monitors leak when their watchers die",
    ),
    "causes are forgotten": Planted(
        CausalOrder, "_learn", lambda order, *what: None, "causal", r"which it led to",
        partisan="what a causal message carries is merged, and the result thrown away", seed=4,
    ),
}  # fmt: skip
"""By name."""
