from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.config.readings import Expected
from partisan_core.config.units import (
    DURATIONS,
    SIZES,
    Duration,
    Size,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)

milliseconds = st.integers(0, 400 * 24 * 3600 * 1000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("2s", 2.0), ("1.5m", 90.0), ("1h", 3600.0), ("0s", 0.0), (0, 0.0), (0.0, 0.0)],
)
def test_a_duration_is_read_in_its_unit(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("512B", 512), ("64KiB", 65536), ("8 MiB", 8 * 1024**2), ("1GiB", 1024**3), (0, 0)]
)
def test_a_size_is_read_in_its_unit(text: object, size: int) -> None:
    assert parse_size(text) == size


@given(milliseconds)
def test_a_written_duration_is_read_back(thousandths: int) -> None:
    assert isclose(parse_duration(format_duration(thousandths / 1000)), thousandths / 1000)


@given(st.integers(0, 1024**4))
def test_a_written_size_is_read_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.integers(0, 10**9), st.sampled_from(sorted(DURATIONS)))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == number * DURATIONS[unit]


@given(st.integers(0, 10**9), st.sampled_from(sorted(SIZES)))
def test_a_size_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert parse_size(f"{number}{unit}") == number * SIZES[unit]


@given(st.one_of(st.integers(), st.floats()).filter(lambda number: number != 0))
def test_a_bare_number_is_refused_with_what_it_may_have_meant(number: float) -> None:
    with pytest.raises(Expected, match="with its unit") as duration:
        parse_duration(number)
    with pytest.raises(Expected, match="with its unit") as size:
        parse_size(number)
    assert f'"{number}s"' in str(duration.value)
    assert f'"{number}KiB"' in str(size.value)


@given(st.one_of(st.text(), st.booleans(), st.none(), st.lists(st.integers()), st.binary()))
def test_whatever_is_no_duration_and_no_size_is_refused_by_name(value: object) -> None:
    for parse in (parse_duration, parse_size):
        try:
            assert parse(value) >= 0
        except Expected as refusal:
            assert "for example" in str(refusal)  # noqa: PT017 - either outcome is right, no other is


@pytest.mark.parametrize("text", ["-5s", "1e3s", "5", "5 seconds", "٣s", "1.5.2s", "s", "", " 5s", "5s\n", "infs"])
def test_nothing_but_a_plain_number_and_a_unit_is_a_duration(text: str) -> None:
    with pytest.raises(Expected, match="500ms"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["1.5KiB", "64KB", "64kib", "-1B", "8", ""])
def test_nothing_but_a_whole_number_and_a_binary_unit_is_a_size(text: str) -> None:
    with pytest.raises(Expected, match="64KiB"):
        parse_size(text)


def test_bounds_are_told_in_units() -> None:
    with pytest.raises(Expected, match="a duration from 1ms to 2m"):
        Duration(0.001, 120).read("3m")
    with pytest.raises(Expected, match="a size from 1KiB to 1MiB"):
        Size(1024, 1024**2).read("1B")


@given(st.floats(), st.integers())
def test_a_reading_lets_nothing_through_beyond_its_bounds(seconds: float, size: int) -> None:
    duration_fits = 0.001 <= seconds <= 120
    size_fits = 1024 <= size <= 4096
    assert _accepts(Duration(0.001, 120), seconds) is duration_fits
    assert _accepts(Size(1024, 4096), size) is size_fits


def _accepts(reading: Duration | Size, value: float) -> bool:
    try:
        reading.check(value)  # type: ignore[arg-type]
    except Expected:
        return False
    return True
