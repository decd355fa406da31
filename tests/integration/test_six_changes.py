"""Six processes of which some leave, are evicted, die, come back, move, and are taken for somebody else."""

import pytest

from tests.integration.agents import Inbox, Refused, eventually
from tests.integration.six import NAMES, Six


def news_of(six: Six, name: str, count: int) -> dict[str, list[tuple[str, str]]]:
    """What each of the others noticed of `name`, once it is `count` notices."""
    heard: dict[str, list[tuple[str, str]]] = {other: [] for other in six.agents if other != name}

    def enough() -> bool:
        for other, news in six.hear(name).items():
            heard[other] += [(kind, reason) for kind, peer, reason in news if peer == name]
        return all(len(news) >= count for news in heard.values())

    eventually(enough, f"{count} notices of {name} at each of the others")
    return heard


def agreed(heard: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """What all of them noticed, each thing exactly once."""
    first, *others = (sorted(news) for news in heard.values())
    assert all(news == first for news in others), heard
    return first


def exchange(six: Six, name: str) -> None:
    """A message to and from everybody."""
    others = [other for other in NAMES if other != name]
    for other in others:
        six[name].do("send", to=f"{other}/a", messages=[name], channel="bulk")
        six[other].do("send", to=f"{name}/a", messages=[other], channel="bulk")
    (received,) = Inbox(six[name]).wait(len(others)).values()
    assert sorted(received) == sorted(others)
    for other in others:
        assert Inbox(six[other]).wait(1) == {"a": [name]}


def join(six: Six, name: str, contact: str) -> None:
    six[name].do("join", contacts=six[contact].look().addresses)


def test_a_node_that_leaves_is_forgotten_and_comes_back_as_a_new_life(six: Six) -> None:
    before = six["client-2"].look().incarnation
    six["client-2"].do("leave")
    six.until_whole("client-2")
    assert agreed(news_of(six, "client-2", 2)) == [("MemberLeft", "left"), ("NeighbourDown", "left")]
    alone = six["client-2"].look()
    assert (alone.members, alone.neighbours, alone.lanes) == ({"client-2": before}, (), ())
    with pytest.raises(Refused, match="UnknownNode: no node 'client-2' is known here"):
        six["server-1"].do("send", to="client-2/a", messages=[1])
    with pytest.raises(Refused, match="NodeClosed: node client-2 has left the cluster"):
        six["client-2"].do("send", to="server-1/a", messages=[1])
    join(six, "client-2", "server-3")
    six.until_whole()
    assert agreed(news_of(six, "client-2", 2)) == [("MemberJoined", ""), ("NeighbourUp", "")]
    assert six["client-2"].look().incarnation > before
    exchange(six, "client-2")


def test_a_node_that_leaves_and_ends_may_be_followed_by_another_of_its_name(six: Six) -> None:
    six["server-3"].do("leave")
    assert six["server-3"].close() == 0
    six.until_whole("server-3")
    assert agreed(news_of(six, "server-3", 2)) == [("MemberLeft", "left"), ("NeighbourDown", "left")]
    six.start("server-3").started()
    join(six, "server-3", "client-1")
    six.until_whole()
    assert agreed(news_of(six, "server-3", 2)) == [("MemberJoined", ""), ("NeighbourUp", "")]
    exchange(six, "server-3")


def test_an_evicted_node_is_forgotten_and_may_join_again(six: Six) -> None:
    before = six["client-1"].look().incarnation
    six["server-2"].do("evict", name="client-1")
    six.until_whole("client-1")
    assert agreed(news_of(six, "client-1", 2)) == [("MemberLeft", "evicted"), ("NeighbourDown", "evicted")]
    alone = six["client-1"].look()
    assert (alone.members, alone.neighbours, alone.lanes) == ({"client-1": before}, (), ())
    join(six, "client-1", "client-3")
    six.until_whole()
    assert agreed(news_of(six, "client-1", 2)) == [("MemberJoined", ""), ("NeighbourUp", "")]
    assert six["client-1"].look().incarnation > before
    exchange(six, "client-1")


def test_a_dead_node_is_a_member_until_it_is_evicted_and_nobody_keeps_a_trace(six: Six) -> None:
    six["client-3"].kill()
    assert agreed(news_of(six, "client-3", 1)) == [("NeighbourDown", "gone")]
    assert all("client-3" in look.members for look in six.looks("client-3").values())
    six["client-2"].do("evict", name="client-3")
    six.until_whole("client-3")  # no lane to it is left, not even one that is dialled
    assert agreed(news_of(six, "client-3", 1)) == [("MemberLeft", "evicted")]
    six.start("client-3").started()
    join(six, "client-3", "server-1")
    six.until_whole()
    exchange(six, "client-3")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_a_killed_node_that_starts_on_another_address_is_down_and_up_once(six: Six, host: str) -> None:
    (before,) = six["server-1"].look().addresses
    six["server-1"].kill()
    (now,) = six.start("server-1", listen=[f"{host}:0"]).started().addresses
    assert now != before
    assert now.startswith(host)
    join(six, "server-1", "client-2")
    six.until_whole()
    exchange(six, "server-1")
    for news in news_of(six, "server-1", 3).values():
        assert [kind for kind, _ in news if kind != "MemberJoined"] == ["NeighbourDown", "NeighbourUp"]


def test_a_second_node_of_a_name_is_refused_and_the_first_is_not_disturbed(six: Six) -> None:
    first, second = six["server-2"], six.start("server-2")
    try:
        second.started()
        for contact in ("client-1", "server-1"):
            with pytest.raises(Refused, match=r"NameInUse: .* the name server-2 is in use by a living node at"):
                join(six, "server-2", contact)
        with pytest.raises(Refused, match=r"NameInUse: .* the name server-2 is in use by this node"):
            second.do("join", contacts=first.look().addresses)
    finally:
        second.kill()
        six.agents["server-2"] = first
    assert six.is_whole()
    assert not any(six.hear().values())
    exchange(six, "server-2")


def test_a_node_cannot_join_itself_and_is_not_disturbed_by_it(six: Six) -> None:
    (address,) = six["client-1"].look().addresses
    for spelling in (address, address.replace("127.0.0.1", "localhost")):
        with pytest.raises(Refused, match=r"JoinError: .*this is node client-1 itself"):
            six["client-1"].do("join", contacts=[spelling])
    assert six.is_whole()
    assert not any(six.hear().values())
