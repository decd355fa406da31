"""References: two ways to name a mailbox, one text for each."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import InvalidName
from partisan_core.refs import Ref

names = st.text("ab7@:._-", min_size=1, max_size=12)
incarnations = st.none() | st.integers(0, 2**63 - 1)
refs = st.builds(Ref, names, names, incarnations)


@given(refs)
def test_a_reference_comes_back_from_its_text(ref: Ref) -> None:
    assert Ref.parse(str(ref)) == ref
    assert Ref.parse(str(ref).removeprefix("partisan://")) == ref


@given(refs, refs)
def test_two_references_have_one_text_only_if_they_are_equal(one: Ref, other: Ref) -> None:
    assert (str(one) == str(other)) == (one == other)
    assert one != other or hash(one) == hash(other)


@pytest.mark.parametrize(
    ("text", "node", "mailbox", "incarnation"),
    [
        ("partisan://beta/greeter", "beta", "greeter", None),
        ("partisan://beta@42/greeter", "beta", "greeter", 42),
        ("beta/greeter", "beta", "greeter", None),
        ("beta@42/greeter", "beta", "greeter", 42),
        ("beta@zone-1/greeter", "beta@zone-1", "greeter", None),
        ("beta@zone-1@42/greeter", "beta@zone-1", "greeter", 42),
        ("beta@7@/greeter", "beta@7", "greeter", None),
        ("beta@7@42/greeter", "beta@7", "greeter", 42),
        ("127.0.0.1:9090/a@b:c", "127.0.0.1:9090", "a@b:c", None),
        ("beta@0042/greeter", "beta", "greeter", 42),
        ("partisan:/greeter", "partisan:", "greeter", None),
    ],
)
def test_the_part_behind_the_last_at_sign_is_the_incarnation_only_when_it_is_all_digits(
    text: str, node: str, mailbox: str, incarnation: int | None
) -> None:
    assert Ref.parse(text) == Ref(node, mailbox, incarnation)


def test_a_reference_by_name_to_a_name_that_ends_like_a_life_says_so() -> None:
    assert str(Ref("beta@7", "greeter")) == "partisan://beta@7@/greeter"
    assert str(Ref("beta", "greeter", 7)) == "partisan://beta@7/greeter"
    assert str(Ref("beta@x", "greeter")) == "partisan://beta@x/greeter"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "beta",
        "beta/",
        "/greeter",
        "partisan://",
        "partisan:///greeter",
        "partisan://beta",
        "beta/greeter/more",
        "beta/gree ter",
        "be\nta/greeter",
        "@42/greeter",
        "@/greeter",
        "http://beta/greeter",
        f"{'b' * 129}/greeter",
        f"beta@{2**63}/greeter",
        f"beta@{'9' * 5000}/greeter",
        "beta@٤٢/greeter",
    ],
)
def test_a_text_that_is_no_reference_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidName) as caught:
        Ref.parse(text)
    assert len(str(caught.value)) < 500


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_refused_by_name(text: str) -> None:
    try:
        ref = Ref.parse(text)
    except InvalidName:
        return
    assert Ref.parse(str(ref)) == ref


@pytest.mark.parametrize(("node", "mailbox", "incarnation"), [("", "m", None), ("n", "a/b", None), ("n", "m", -1)])
def test_a_reference_cannot_be_made_of_malformed_parts(node: str, mailbox: str, incarnation: int | None) -> None:
    with pytest.raises(InvalidName):
        Ref(node, mailbox, incarnation)


def test_a_reference_is_immutable_and_can_be_copied_and_shown() -> None:
    ref = Ref("beta", "greeter", 42)
    with pytest.raises(AttributeError, match="immutable"):
        ref.node = "gamma"
    with pytest.raises(AttributeError, match="immutable"):
        del ref.node
    assert copy.deepcopy({"reply_to": ref}) == {"reply_to": ref}
    assert repr(ref) == "<partisan://beta@42/greeter>"
    assert ref != "partisan://beta@42/greeter"
