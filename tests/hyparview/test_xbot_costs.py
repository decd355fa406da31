"""What links cost, and how X-BOT is configured."""

from pathlib import Path
from random import Random

import pytest

from partisan_core.config.loader import load_config, structure_options
from partisan_core.errors import ConfigError
from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParViewConfig, XbotConfig
from partisan_hyparview.costs import MAX_MEASURED, RoundTrips, label_cost
from partisan_hyparview.messages import Echo, Probe

A = NodeSpec("a", 1, 1)


def test_a_label_costs_nothing_to_who_has_the_same_value() -> None:
    cost = label_cost(NodeSpec("me", 1, 1, (), {"zone": "eu"}), "zone")
    assert cost(NodeSpec("a", 1, 1, (), {"zone": "eu"})) == 0.0
    assert cost(NodeSpec("b", 1, 1, (), {"zone": "us"})) == 1.0
    assert cost(A) == 1.0


def echo(round_trips: RoundTrips, peer: NodeSpec, probe: Probe, at: float) -> Probe | None:
    assert round_trips.expects(peer, Echo(probe.number))
    return round_trips.take(peer, at)


def measure(round_trips: RoundTrips, peer: NodeSpec, seconds: float, dial: float = 0.0) -> None:
    """One pair of probes, of which the first has to wait for a dial."""
    second = echo(round_trips, peer, round_trips.probe(peer, 10.0), 10.0 + dial + seconds)
    assert second is not None
    assert echo(round_trips, peer, second, 10.0 + dial + 2 * seconds) is None


def test_the_dial_before_the_first_probe_costs_nothing() -> None:
    round_trips = RoundTrips(Random(0))
    assert round_trips(A) is None
    measure(round_trips, A, 0.020, dial=0.300)
    assert round_trips(A) == pytest.approx(0.020)


def test_a_new_round_trip_weighs_an_eighth() -> None:
    round_trips = RoundTrips(Random(0))
    measure(round_trips, A, 0.020)
    measure(round_trips, A, 0.100)
    assert round_trips(A) == pytest.approx(0.030)


def test_an_echo_counts_once_and_only_of_the_last_probe() -> None:
    round_trips = RoundTrips(Random(0))
    stale = round_trips.probe(A, 0.0)
    first = round_trips.probe(A, 5.0)
    assert not round_trips.expects(A, Echo(stale.number))
    assert not round_trips.expects(NodeSpec("b", 1, 1), Echo(first.number))
    assert not round_trips.expects(NodeSpec("a", 2, 1), Echo(first.number))
    second = echo(round_trips, A, first, 5.1)
    assert second is not None
    assert not round_trips.expects(A, Echo(first.number))
    assert round_trips(A) is None
    echo(round_trips, A, second, 5.2)
    assert not round_trips.expects(A, Echo(second.number))
    assert round_trips(A) == pytest.approx(0.1)


def test_a_newer_life_is_measured_anew() -> None:
    round_trips = RoundTrips(Random(0))
    measure(round_trips, A, 0.020)
    newer = NodeSpec("a", 2, 1)
    assert round_trips(newer) is None
    measure(round_trips, newer, 0.100)
    assert round_trips(newer) == pytest.approx(0.1)
    assert round_trips(A) is None


def test_so_many_peers_are_remembered_and_no_more() -> None:
    round_trips = RoundTrips(Random(0))
    peers = [NodeSpec(f"p{number}", 1, 1) for number in range(MAX_MEASURED + 1)]
    for peer in peers:
        measure(round_trips, peer, 0.020)
    assert [peer.name for peer in peers if round_trips(peer) is None] == ["p0"]


# The configuration.


def written(tmp_path: Path, table: str) -> HyParViewConfig:
    """What the table `[overlay.xbot]` of a file comes to."""
    path = tmp_path / "node.toml"
    path.write_text(f'[overlay]\nuse = "hyparview"\nactive_max = 4\n[overlay.xbot]\n{table}\n')
    return structure_options(load_config(path, environ={}).overlay, HyParViewConfig, "overlay")


def test_a_table_of_its_own_switches_it_on(tmp_path: Path) -> None:
    assert HyParViewConfig().xbot is None
    assert written(tmp_path, "").xbot == XbotConfig()
    chosen = written(tmp_path, 'cost = "label:zone"\nperiod = "30s"\ncandidates = 4\nunbiased = 2\nhysteresis = 0')
    assert chosen.xbot == XbotConfig(cost="label:zone", period=30.0, candidates=4, unbiased=2, hysteresis=0)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("unbiased = 0", "at least 1: without"),
        ("unbiased = 4", "less than active_max, which is 4"),
        ('cost = "label:"', '"rtt" or "label:NAME"'),
        ('cost = "ping"', '"rtt" or "label:NAME"'),
        ("cost = 3", '"rtt" or "label:NAME"'),
        ("hysteresis = 91", "a whole number from 0 to 90"),
        ("candidats = 2", "candidates"),
        ("period = 5", '"5s"'),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_key(tmp_path: Path, table: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, table)
    assert complaint in str(caught.value)
    assert f"overlay.xbot.{table.partition(' ')[0]}" in str(caught.value)
    assert "node.toml" in str(caught.value)


def test_what_is_made_in_code_obeys_the_same_bounds() -> None:
    with pytest.raises(ConfigError, match="islands"):
        XbotConfig(unbiased=0)
    with pytest.raises(ConfigError, match="active_max"):
        HyParViewConfig(active_max=2, xbot=XbotConfig(unbiased=2))
