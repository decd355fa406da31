"""The command that measures, at a size for the suite."""

from tests.faults import claims


def test_over_tcp_nothing_that_is_acknowledged_is_lost_or_doubled_by_rules() -> None:
    words = ["--messages", "2000", "--double", "0.4", "--reset-every", "0.3", "--seed", "5", "--json"]
    assert claims.main(words) == 0
