"""What two hellos can tell: bounds, and the differences that make two nodes unfit for each other."""

from partisan_core.errors import AddressError, InvalidName
from partisan_core.identity import Address, NodeSpec, check_name
from partisan_core.wire.limits import HELLO_ADDRESSES, HELLO_ENTRIES, QUOTED_VALUE, REFUSAL_TEXT
from partisan_core.wire.messages import Hello, Refused

_REMEMBERED = 16_384
"""Checks of hearsay that are remembered: the same nodes are heard of again and again. Chosen: at most 5 MiB."""
_remembered: dict[int, tuple[str, int, tuple[Address, ...]]] = {}
"""What was found within bounds, by instance; no labels, which take room and are counted at once."""


class Objection(Exception):
    """A check failed. The handshake makes a refusal of it; in hearsay, the entry is left out."""

    def __init__(self, code: Refused, text: str) -> None:
        super().__init__(text)
        self.code = code


def common_version(ours: tuple[int, int], theirs: tuple[int, int]) -> int:
    """The highest version of the wire that both ends speak, of (lowest, highest) each.

    Raises:
        Objection: there is none.
    """
    version = min(ours[1], theirs[1])
    if version < max(ours[0], theirs[0]):
        raise Objection(
            Refused.VERSION,
            f"wire versions {_quoted(theirs[0])} to {_quoted(theirs[1])} there, {ours[0]} to {ours[1]} here: "
            f"no common one; upgrade the older partisan-core",
        )
    return version


def check_bounds(node: NodeSpec) -> None:
    """Bound what the types of `NodeSpec` leave open.

    Raises:
        Objection: a name, an address, a number or a table out of bounds.
    """
    if len(node.addresses) > HELLO_ADDRESSES:
        raise Objection(Refused.MALFORMED, f"the node advertises more than {HELLO_ADDRESSES} addresses")
    if max(len(node.labels), len(node.metadata)) > HELLO_ENTRIES:
        raise Objection(Refused.MALFORMED, f"the node has more than {HELLO_ENTRIES} labels or metadata entries")
    if not (0 <= node.incarnation < 2**63 and 0 <= node.instance < 2**64):
        raise Objection(Refused.MALFORMED, "the incarnation or the instance of the node is out of bounds")
    try:
        check_name(node.name)
        for address in node.addresses:
            if Address.parse(str(address)) != address:
                raise AddressError(f"{_quoted(address.host)} is no host")
    except (InvalidName, AddressError) as error:
        raise Objection(Refused.MALFORMED, str(error)) from error


def is_within_bounds(node: NodeSpec) -> bool:
    """Whether what is heard of a node is bounded like the word of the node itself, which the handshake checks."""
    if len(node.labels) > HELLO_ENTRIES or len(node.metadata) > HELLO_ENTRIES:
        return False
    told = (node.name, node.incarnation, node.addresses)
    if _remembered.get(node.instance) == told:
        return True
    try:
        check_bounds(node)
    except Objection:
        return False
    if len(_remembered) >= _REMEMBERED:
        _remembered.clear()
    _remembered[node.instance] = told
    return True


def check_names(ours: Hello, theirs: Hello, expected: str | None) -> None:
    """Compare cluster, node and overlay; `expected` is the name that was dialled.

    Raises:
        Objection: with both sides' values.
    """
    me, peer = ours.node, theirs.node
    if theirs.cluster != ours.cluster:
        raise Objection(
            Refused.CLUSTER,
            f"cluster {_quoted(theirs.cluster)} there, {_quoted(ours.cluster)} here; nodes meet where [node] "
            f"cluster is the same",
        )
    if (peer.name, peer.life) == (me.name, me.life):
        raise Objection(Refused.SELF, f"this is node {me.name} itself; it needs no connection to itself")
    if expected is not None and peer.name != expected:
        raise Objection(Refused.NAME, f"node {_quoted(expected)} was dialled, {_quoted(peer.name)} answered")
    if (theirs.overlay, theirs.overlay_version) != (ours.overlay, ours.overlay_version):
        raise Objection(
            Refused.OVERLAY,
            f"overlay {_quoted(theirs.overlay)} version {theirs.overlay_version} there, "
            f"{_quoted(ours.overlay)} version {ours.overlay_version} here; configure the same on every node",
        )


def check_lane(ours: Hello, theirs: Hello) -> None:
    """See, as the dialler, that the accepter answers for the lane that was asked for.

    Raises:
        Objection: with both values.
    """
    for code, asked, answered in (
        (Refused.CHANNEL, ours.channel, theirs.channel),
        (Refused.LANE, ours.lane, theirs.lane),
        (Refused.SERIALIZER, ours.serializer, theirs.serializer),
    ):
        if asked != answered:
            raise Objection(code, f"{code} {_quoted(asked)} was asked for and {_quoted(answered)} answered")


def printable(text: str) -> str:
    """A peer's text for people and logs: bounded, nothing in it that moves a cursor."""
    kept = text[:REFUSAL_TEXT]
    return kept if kept.isprintable() else "".join(c if c.isprintable() else "?" for c in kept)


def _quoted(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= QUOTED_VALUE else f"{text[:QUOTED_VALUE]}..."
