import msgspec
import pytest

from partisan_core.identity import Address, NodeSpec
from partisan_core.membership import Change, Entry, MembershipSet, Status

TTL = 100.0
ALPHA = NodeSpec("alpha", 1, 1)
NEWER_ALPHA = NodeSpec("alpha", 2, 1)
BETA = NodeSpec("beta", 1, 1)
ALPHA_LEFT = Entry(ALPHA, Status.LEFT)


def made_of(*entries: Entry, now: float = 0.0) -> MembershipSet:
    members = MembershipSet(TTL)
    members.merge(entries, now)
    return members


def test_a_merge_returns_what_was_news() -> None:
    members = made_of(Entry(ALPHA))
    assert members.merge([Entry(ALPHA), Entry(BETA)], 0.0) == [Change(None, Entry(BETA))]
    assert members.merge([ALPHA_LEFT], 0.0) == [Change(Entry(ALPHA), ALPHA_LEFT)]


def test_the_view_is_the_same_object_while_nothing_changed() -> None:
    members = made_of(Entry(ALPHA))
    before = members.alive()
    members.merge([Entry(ALPHA), Entry(BETA, Status.LEFT)], 0.0)
    assert members.alive() is before
    members.merge([Entry(BETA, Status.LEFT), Entry(NEWER_ALPHA)], 0.0)
    assert members.alive() is not before
    assert before == {"alpha": ALPHA}


def test_a_tombstone_beats_the_life_it_ends_and_all_before_it() -> None:
    members = made_of(Entry(NEWER_ALPHA, Status.LEFT))
    assert members.merge([Entry(NEWER_ALPHA), Entry(ALPHA)], 0.0) == []
    assert members.alive() == {}


def test_a_newer_life_beats_the_tombstone_of_an_older_one() -> None:
    members = made_of(Entry(ALPHA, Status.EVICTED))
    members.merge([Entry(NEWER_ALPHA)], 0.0)
    assert members.alive() == {"alpha": NEWER_ALPHA}


def test_of_two_lives_with_one_incarnation_the_greater_instance_wins() -> None:
    twin = NodeSpec("alpha", 1, 2)
    assert made_of(Entry(twin), Entry(ALPHA)).alive() == {"alpha": twin}
    assert made_of(Entry(ALPHA), Entry(twin)).alive() == {"alpha": twin}


def test_eviction_beats_leaving() -> None:
    members = made_of(Entry(ALPHA, Status.EVICTED), ALPHA_LEFT)
    held = members.get("alpha", 0.0)
    assert held is not None
    assert held.status is Status.EVICTED


def test_a_delta_brings_an_older_set_up_to_date() -> None:
    newer = made_of(ALPHA_LEFT, Entry(BETA))
    older = made_of(Entry(ALPHA))
    older.merge(newer.delta_for(older.versions(), 0.0), 0.0)
    assert older.digest == newer.digest
    assert newer.delta_for(older.versions(), 0.0) == []


def test_what_is_missing_is_what_the_other_has_newer() -> None:
    members = made_of(Entry(ALPHA), Entry(BETA))
    other = made_of(Entry(NEWER_ALPHA), Entry(NodeSpec("gamma", 1, 1)))
    assert sorted(members.missing(other.versions())) == ["alpha", "gamma"]
    assert other.missing(members.versions()) == ["beta"]


def test_a_tombstone_ages_where_it_is_held() -> None:
    members = made_of(Entry(ALPHA, Status.LEFT, age=1_000), now=10.0)
    assert members.get("alpha", 15.5) == Entry(ALPHA, Status.LEFT, age=6_500)


def test_of_two_ages_the_greater_one_counts() -> None:
    members = made_of(ALPHA_LEFT)
    assert members.merge([Entry(ALPHA, Status.LEFT, age=30_000)], 0.0) == []
    assert members.merge([ALPHA_LEFT], 0.0) == []
    assert members.get("alpha", 0.0) == Entry(ALPHA, Status.LEFT, age=30_000)


def test_a_tombstone_is_silent_in_the_second_half_of_its_time() -> None:
    members, empty = made_of(ALPHA_LEFT), MembershipSet(TTL)
    assert members.digest != empty.digest
    members.collect(TTL / 2)
    assert members.digest == empty.digest
    assert members.versions() == {}
    assert members.delta_for({}, TTL / 2) == []


def test_a_silent_tombstone_still_ends_the_life_that_a_peer_offers() -> None:
    members, cut_off = made_of(ALPHA_LEFT), made_of(Entry(ALPHA))
    members.collect(TTL / 2)
    assert members.merge([Entry(ALPHA)], TTL / 2) == []
    cut_off.merge(members.delta_for(cut_off.versions(), TTL / 2), TTL / 2)
    assert cut_off.alive() == {}


def test_a_silent_tombstone_of_an_unknown_name_is_kept_but_no_news() -> None:
    members = MembershipSet(TTL)
    assert members.merge([Entry(ALPHA, Status.LEFT, age=60_000)], 0.0) == []
    assert members.merge([Entry(ALPHA)], 0.0) == []
    assert members.digest == 0


def test_tombstones_are_collected_when_their_time_is_over() -> None:
    members = made_of(ALPHA_LEFT, Entry(BETA))
    members.collect(TTL)
    assert members.get("alpha", TTL) is None
    assert len(members) == 1
    assert members.digest == made_of(Entry(BETA)).digest


@pytest.mark.parametrize(
    "spec",
    [
        NodeSpec("", 1, 1),
        NodeSpec("two lines\n", 1, 1),
        NodeSpec("a" * 129, 1, 1),
        NodeSpec("alpha", -1, 1),
        NodeSpec("alpha", 2**63, 1),
        NodeSpec("alpha", 1, -1),
        NodeSpec("alpha", 1, 1, metadata={"key": "x" * 4096}),
        NodeSpec("alpha", 1, 1, (Address("127.0.0.1", 2**63),)),
        NodeSpec("alpha", 1, 1, (Address("", 9090),)),
        NodeSpec("alpha", 1, 1, (Address("fe80::1%\x1b[2J", 9090),)),
    ],
    ids=["empty", "newline", "long", "negative", "eternal", "instance", "large", "port", "no host", "escape"],
)
def test_hearsay_that_no_handshake_would_let_in_is_refused(spec: NodeSpec) -> None:
    members = made_of(Entry(spec))
    assert len(members) == 0
    assert members.refused == 1


def test_a_full_set_refuses_new_names_and_counts_them() -> None:
    members = MembershipSet(TTL, max_entries=1)
    members.merge([Entry(ALPHA), Entry(BETA), Entry(NEWER_ALPHA)], 0.0)
    assert members.alive() == {"alpha": NEWER_ALPHA}
    assert members.refused == 1


def test_the_greatest_age_that_can_be_heard_can_still_be_told() -> None:
    """Otherwise every honest node would close its connection to the one that passes it on."""
    members = made_of(Entry(ALPHA, Status.LEFT, 2**53 - 1))
    members.merge([Entry(BETA)], 5.0)
    told = msgspec.msgpack.encode(members.delta_for({"alpha": (0, 0)}, 5.0))
    assert len(msgspec.msgpack.decode(told, type=list[Entry])) == 2
