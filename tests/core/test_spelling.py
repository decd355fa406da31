import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.spelling import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("hyparvew", "hyparview"),
        ("FULLMESH", "fullmesh"),
        ("full-mesh", "fullmesh"),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_found_whatever_the_case(word: str, near: str | None) -> None:
    assert nearest(word, ["fullmesh", "hyparview", "static"]) == near


@given(st.text(), st.lists(st.text()))
def test_only_a_name_that_exists_is_ever_offered(word: str, names: list[str]) -> None:
    near = nearest(word, names)
    assert near is None or near in names


def test_a_question_is_asked_only_when_there_is_something_to_ask() -> None:
    assert did_you_mean("nam", ["name"]) == " (did you mean 'name'?)"
    assert did_you_mean("nam", ["zone"]) == ""
