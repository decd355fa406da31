"""Two processes that the command makes a cluster, looks at, and ends."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from partisan_cli.commands.connections import _compression
from partisan_core.views import ConnectionRow
from tests.cli.nodes import Machine, NodeProcess, eventually, files_below

Pair = tuple[Machine, NodeProcess, NodeProcess]

COMPRESSION_FIELDS = ("compression", "packs", "bytes_before", "bytes_after")
BETA = ("--name", "beta", "--set", 'node.data_dir="kept"', "--set", 'channels.default.compression="zlib"')


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """`alpha` with a name and labels of a file, `beta` with a data_dir of its own, joined through the command.

    Alpha compresses what it sends with `zstd`, which beta cannot undo; beta with `zlib`, which every node can.
    """
    machine = Machine(tmp_path_factory.mktemp("machine"))
    (machine.folder / "alpha.toml").write_text(
        '[node]\nname = "alpha"\nlabels = { zone = "eu-1" }\n[channels.default]\ncompression = "zstd"\n'
    )
    with ExitStack() as stack:
        alpha = stack.enter_context(machine.run("alpha.toml"))
        beta = stack.enter_context(machine.run(*BETA))
        joined = machine.ask("join", alpha.address, "--data-dir", beta.data_dir)
        assert joined == {"neighbours": ["alpha"]}
        eventually(
            lambda: machine.ask("status", "--data-dir", alpha.data_dir)["neighbours"] == ["beta"], "alpha knows beta"
        )
        yield machine, alpha, beta
        for node in (alpha, beta):
            assert node.end(signal.SIGTERM) == 0


def test_the_start_line_says_where_the_node_is(pair: Pair) -> None:
    machine, alpha, beta = pair
    assert alpha.where["name"] == "alpha"
    assert alpha.where["process"] == alpha.process.pid
    assert Path(alpha.data_dir) == machine.runtime / "partisan" / "node-alpha"
    assert Path(beta.data_dir) == machine.folder / "kept"


def test_members_have_a_state_and_tell_which_one_is_asked(pair: Pair) -> None:
    machine, alpha, beta = pair
    rows = {row["name"]: row for row in machine.ask("members", "--data-dir", beta.data_dir)}
    assert list(rows) == ["alpha", "beta"]
    assert rows["alpha"]["state"] == rows["beta"]["state"] == "up"
    assert (rows["alpha"]["neighbour"], rows["beta"]["neighbour"]) == (True, False)
    assert (rows["alpha"]["local"], rows["beta"]["local"]) == (False, True)
    assert rows["alpha"]["addresses"] == [alpha.address]
    assert rows["alpha"]["labels"] == {"zone": "eu-1"}


def test_connections_are_listed_per_peer_channel_and_lane(pair: Pair) -> None:
    machine, alpha, beta = pair
    (link,) = machine.ask("connections", "--data-dir", beta.data_dir)
    assert (link["peer"], link["member"], link["state"]) == ("alpha", "up", "up")
    assert "overlay" in link["wanted_by"]
    assert link["since"] >= 0
    membership, default = rows = link["lanes"]
    assert [(row["peer"], row["channel"], row["lane"]) for row in rows] == [
        ("alpha", "membership", 0),
        ("alpha", "default", 0),
    ]
    assert membership["state"] == default["state"] == "connected"
    assert membership["dialled"] is True
    assert membership["address"] == alpha.address
    assert membership["bytes_out"] > 0
    assert membership["age"] >= 0
    (back,) = machine.ask("connections", "beta", "--data-dir", alpha.data_dir)
    for here, there in zip(rows, back["lanes"], strict=True):
        assert here["session"] == there["session"]
        assert here["checksum"] == there["checksum"] == "xxh3"
        assert (here["waits_for"], here["last_error"], here["resolved"]) == ("", "", True)
    assert (default["sent"], back["lanes"][1]["received"]) == (0, 0)


def test_the_compression_of_a_lane_is_listed_or_that_the_peer_cannot_undo_it(pair: Pair) -> None:
    machine, alpha, beta = pair
    for node, use, packs, said in ((alpha, "zstd", False, "zstd not at the peer"), (beta, "zlib", True, "zlib ")):
        (link,) = machine.ask("connections", "--data-dir", node.data_dir)
        assert [(row["compression"], row["packs"]) for row in link["lanes"]] == [("", False), (use, packs)]
        lines = machine.call("connections", "--data-dir", node.data_dir).stdout.splitlines()
        assert [said in line for line in lines if "default" in line] == [True]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({}, None),
        ({"compression": "zlib"}, "zlib not at the peer"),
        ({"compression": "zlib", "packs": True}, "zlib"),
        ({"compression": "zlib", "packs": True, "bytes_before": 1700, "bytes_after": 500}, "zlib 3.4x"),
    ],
)
def test_the_ratio_is_how_many_times_smaller_what_was_sent_became(shown: dict[str, object], said: str | None) -> None:
    fields = {name: None for name in ConnectionRow.__struct_fields__ if name not in COMPRESSION_FIELDS}
    assert _compression(ConnectionRow(**(fields | shown))) == said  # type: ignore[arg-type]


def test_a_peer_that_is_none_is_answered_with_the_nearest(pair: Pair) -> None:
    machine, _, beta = pair
    said = machine.fail("connections", "alhpa", "--data-dir", beta.data_dir)
    assert "no peer 'alhpa' is known to this node (did you mean 'alpha'?)" in said


def test_a_ping_tells_the_round_trip_time_and_the_connection_remembers_it(pair: Pair) -> None:
    machine, alpha, _ = pair
    pongs = machine.ask("ping", "--count", "3", "--data-dir", alpha.data_dir)
    assert [pong["peer"] for pong in pongs] == ["beta"] * 3
    assert all(0 < pong["rtt"] < 2 for pong in pongs)
    membership = machine.ask("connections", "--data-dir", alpha.data_dir)[0]["lanes"][0]
    assert membership["rtt"] == pongs[-1]["rtt"]
    assert membership["dialled"] is False


def test_the_status_tells_the_node_at_a_glance(pair: Pair) -> None:
    machine, _, beta = pair
    status = machine.ask("status", "--data-dir", beta.data_dir)
    assert (status["name"], status["state"], status["overlay"]) == ("beta", "up", "fullmesh")
    assert (status["members"], status["neighbours"], status["connections"]) == (2, ["alpha"], 2)
    assert status["process"] == beta.process.pid
    assert status["notices"]["NeighbourUp"] == 1
    assert status["dropped"] == {}
    assert (status["healthy"], status["problems"], status["missing"]) == (True, [], [])
    assert [(row["channel"], row["connections"]) for row in status["channels"]] == [("default", 1), ("membership", 1)]


def test_tables_show_the_same_to_people(pair: Pair) -> None:
    machine, alpha, beta = pair
    for listing, expected in {
        "members": ["name", "alpha", "up", "this node", "zone=eu-1", alpha.address],
        "connections": [
            "alpha (up): up for",
            "wanted by overlay",
            "membership",
            "connected",
            "checksum",
            "xxh3",
            alpha.address,
        ],
        "status": ["neighbours", "alpha", beta.data_dir, "membership: 1 of 1 connections open"],
        "ping": ["alpha: ", " ms"],
    }.items():
        result = machine.call(listing, "--data-dir", beta.data_dir)
        assert result.exit_code == 0
        assert [word for word in expected if word not in result.stdout] == []


def test_a_node_is_found_by_its_configuration(pair: Pair) -> None:
    machine, _, _ = pair
    assert machine.ask("status", "--config", str(machine.folder / "alpha.toml"))["name"] == "alpha"


def test_several_running_nodes_are_named_as_candidates(pair: Pair) -> None:
    machine, alpha, beta = pair
    said = machine.fail("members")
    assert "2 nodes are running" in said
    assert f"--data-dir {alpha.data_dir}\n" in said
    assert f"--data-dir {beta.data_dir}\n" in said


def test_a_name_that_is_no_member_is_answered_with_the_nearest(pair: Pair) -> None:
    machine, _, beta = pair
    assert "did you mean 'alpha'?" in machine.fail("ping", "alhpa", "--data-dir", beta.data_dir)
    assert "did you mean 'alpha'?" in machine.fail("evict", "alhpa", "--data-dir", beta.data_dir)


def test_a_join_that_nobody_answers_ends_at_its_deadline_and_changes_nothing(pair: Pair) -> None:
    machine, _, beta = pair
    said = machine.fail("join", "127.0.0.1:1", "--timeout", "0.2", "--data-dir", beta.data_dir)
    assert "nobody let beta in at 127.0.0.1:1 within 0.2 s" in said
    assert machine.ask("status", "--data-dir", beta.data_dir)["neighbours"] == ["alpha"]


def test_a_terminated_node_leaves_and_the_other_reports_that_it_left(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha, machine.run("--name", "beta", "--join", alpha.address) as beta:
        of_alpha = ("--data-dir", alpha.data_dir)
        eventually(lambda: machine.ask("status", *of_alpha)["neighbours"] == ["beta"], "beta joined")
        assert beta.end(signal.SIGTERM) == 0
        eventually(lambda: machine.ask("members", *of_alpha)[1]["state"] == "left", "alpha reports that beta left")
        assert [row["name"] for row in machine.ask("members")] == ["alpha", "beta"]
        assert machine.ask("status")["members"] == 1
        assert machine.ask("leave") == {"name": "alpha", "ends": True}
        assert alpha.process.wait(20) == 0
    assert files_below(machine.runtime) == []


def test_an_evicted_member_is_listed_as_evicted_by_both(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha, machine.run("--name", "beta", "--join", alpha.address) as beta:
        of_alpha, of_beta = ("--data-dir", alpha.data_dir), ("--data-dir", beta.data_dir)
        eventually(lambda: machine.ask("status", *of_alpha)["neighbours"] == ["beta"], "beta joined")
        assert machine.call("evict", "beta", *of_alpha).exit_code == 0
        eventually(lambda: machine.ask("status", *of_beta)["state"] == "evicted", "beta learns of it")
        assert [row["state"] for row in machine.ask("members", *of_alpha)] == ["up", "evicted"]


def test_evicting_where_the_overlay_cannot_says_which_overlays_can(machine: Machine) -> None:
    with machine.run("--name", "alpha", "--set", 'overlay.use="hyparview"') as alpha:
        said = machine.fail("evict", "beta", "--data-dir", alpha.data_dir)
        assert "overlay 'hyparview' lacks 'evict'; installed overlays that have it: clientserver, fullmesh" in said
        assert "Traceback" not in said


def test_a_node_that_left_and_stayed_joins_again(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha, machine.run("--name", "beta", "--join", alpha.address) as beta:
        of_beta = ("--data-dir", beta.data_dir)
        eventually(lambda: machine.ask("status", *of_beta)["neighbours"] == ["alpha"], "beta joined")
        assert machine.ask("leave", "--stay", *of_beta) == {"name": "beta", "ends": False}
        assert machine.ask("status", *of_beta)["state"] == "left"
        assert json.loads(machine.call("join", alpha.address, "--json", *of_beta).stdout) == {"neighbours": ["alpha"]}
        assert machine.ask("status", *of_beta)["state"] == "up"
