"""The commands that measure claims say so when a limit is not met."""

import pytest

from tests.verdicts import at_least, at_most, conclude

LIMITS = (at_least("ratio", 5), at_most("lost", 0))


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({"ratio": 5, "lost": 0}, 0),
        ({"ratio": 4.9, "lost": 0}, 1),
        ({"ratio": 9, "lost": 1}, 1),
        ({"ratio": 4, "lost": 2}, 2),
    ],
)
def test_a_limit_that_is_not_met_is_told(
    figures: dict[str, float], missed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude("claim", figures, LIMITS, as_json=False) is (missed == 0)
    assert capsys.readouterr().out.count("NOT MET") == missed
    assert conclude("claim", figures, LIMITS, as_json=True) is (missed == 0)
    assert '"claim":"claim"' in capsys.readouterr().out
