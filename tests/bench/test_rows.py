"""From samples to rows: pure."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_bench.cases import PARTISAN, PYZMQ, TRIO_STREAM, Case
from partisan_bench.rows import Row, Sample, summarise
from partisan_bench.table import render
from partisan_bench.work import LostMessages, latency, percentile, records, throughput

ONEWAY = Case("oneway", "64B", {"rate": "msg/s"}, (PARTISAN, PYZMQ))
RTT = Case("rtt", "64B", {"p50": "us", "p99": "us"}, (PARTISAN, TRIO_STREAM))


def samples(case: Case, metric: str, **values: list[float]) -> list[Sample]:
    """One round after the other, as the harness yields them."""
    rounds = zip(*values.values(), strict=True)
    return [
        Sample(case, name, dict.fromkeys(case.units, 0.0) | {metric: value})
        for figures in rounds
        for name, value in zip(values, figures, strict=True)
    ]


def test_a_row_has_exactly_the_published_keys_in_their_order() -> None:
    (row,) = summarise(samples(ONEWAY, "rate", pyzmq=[3.0, 1.0, 2.0]))
    assert msgspec.json.encode(row) == (
        b'{"benchmark":"oneway","case":"64B","subject":"pyzmq","metric":"rate","unit":"msg/s",'
        b'"values":[3.0,1.0,2.0],"median":2.0}'
    )


def test_a_ratio_is_made_inside_each_pair_and_then_the_median_is_taken() -> None:
    rows = summarise(samples(ONEWAY, "rate", partisan=[100.0, 300.0, 90.0], pyzmq=[50.0, 100.0, 90.0]))
    assert rows[-1] == Row("oneway", "64B vs pyzmq", "partisan", "ratio", "x", [2.0, 3.0, 1.0], 2.0)
    assert [row.subject for row in rows] == ["partisan", "pyzmq", "partisan"]


def test_a_ratio_is_made_of_the_first_metric_of_the_case() -> None:
    measured = [
        Sample(RTT, "partisan", {"p50": 120.0, "p99": 900.0, "rate": 8000.0}),
        Sample(RTT, "trio-stream", {"p50": 80.0, "p99": 100.0, "rate": 12000.0}),
    ]
    rows = summarise(measured)
    assert [(row.metric, row.median) for row in rows if row.metric == "ratio"] == [("ratio", 1.5)]
    assert "rate" not in {row.metric for row in rows}


def test_without_partisan_there_is_nothing_to_compare() -> None:
    rows = summarise(samples(ONEWAY, "rate", pyzmq=[1.0], blocking=[2.0]))
    assert [row.metric for row in rows] == ["rate", "rate"]


def test_partisan_is_compared_with_itself_in_another_case_pair_by_pair() -> None:
    one = Case("echo", "one", {"rate": "1/s"}, (PARTISAN,))
    many = Case("echo", "many", {"rate": "1/s"}, (PARTISAN,), against="one")
    rounds = [
        Sample(case, "partisan", {"rate": rate}) for case, rate in ((one, 2.0), (many, 6.0), (one, 4.0), (many, 8.0))
    ]
    assert summarise(rounds)[-1] == Row("echo", "many vs one", "partisan", "ratio", "x", [3.0, 2.0], 2.5)


def test_a_case_without_the_one_it_is_compared_with_has_no_ratio() -> None:
    many = Case("echo", "many", {"rate": "1/s"}, (PARTISAN,), against="one")
    assert [row.metric for row in summarise([Sample(many, "partisan", {"rate": 6.0})])] == ["rate"]


def test_cases_stand_one_after_the_other_although_they_were_measured_in_turn() -> None:
    other = Case("oneway", "1KiB", {"rate": "msg/s"}, (PYZMQ,), payload=1024)
    rounds = [Sample(case, "pyzmq", {"rate": rate}) for rate in (1.0, 2.0) for case in (ONEWAY, other)]
    assert [(row.case, row.values) for row in summarise(rounds)] == [
        ("64B", [1.0, 2.0]),
        ("1KiB", [1.0, 2.0]),
    ]


def test_the_table_shows_median_and_range_with_thousands_apart() -> None:
    table = render(summarise(samples(ONEWAY, "rate", pyzmq=[422_200.0, 1_000_000.0, 408_000.0])))
    assert table.splitlines()[1].split() == [
        "64B",
        "pyzmq",
        "rate",
        "422,200",
        "408,000",
        "1,000,000",
        "msg/s",
    ]


def test_a_receiver_that_counted_wrong_makes_the_run_worthless() -> None:
    with pytest.raises(LostMessages, match="100 messages were sent, the receiver counted 99"):
        throughput(sent=100, counted=99, payload=8, started=0.0)


def test_records_are_numbered_and_only_the_final_one_is_marked() -> None:
    numbered = list(records(payload=8, seconds=0.001))
    assert [number for number, *_ in numbered] == list(range(1, len(numbered) + 1))
    assert [last for _, _, last, _ in numbered].index(True) == len(numbered) - 1
    assert {payload for *_, payload in numbered} == {bytes(8)}


def test_latencies_are_reported_in_microseconds() -> None:
    figures = latency([0.000_3, 0.000_1, 0.000_2], started=0.0)
    assert (round(figures["p50"]), round(figures["p99"])) == (200, 300)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_with_that_share_at_or_below_it(values: list[float], percent: int) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)
