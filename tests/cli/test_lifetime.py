"""How the process of a node begins and ends, and what it leaves behind: nothing."""

import os
import signal
import socket
import stat
from pathlib import Path

from partisan_control.place import SOCKET_NAME
from partisan_core.kernel.state import lock_directory
from tests.cli.nodes import Machine, NodeProcess, eventually, files_below


def test_a_node_without_configuration_has_a_name_and_a_directory_of_the_moment(machine: Machine) -> None:
    with machine.run() as node:
        assert node.where["name"]
        assert node.address.startswith("127.0.0.1:")
        directory = Path(node.data_dir)
        assert directory.parent == machine.runtime / "partisan"
        assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / SOCKET_NAME).stat().st_mode) == 0o600
        assert machine.ask("status")["name"] == node.where["name"]
        assert node.end(signal.SIGINT) == 0
    assert files_below(machine.runtime) == []
    assert "Traceback" not in node.log


def test_a_data_dir_of_its_own_keeps_the_incarnation_and_nothing_that_was_of_the_moment(machine: Machine) -> None:
    arguments = ("--name", "alpha", "--set", 'node.data_dir="kept"')
    with machine.run(*arguments) as first:
        before = machine.ask("status")["incarnation"]
        assert first.end(signal.SIGTERM) == 0
    assert files_below(machine.folder / "kept") == ["lock", "state.msgpack"]
    assert files_below(machine.runtime) == []
    with machine.run(*arguments):
        assert machine.ask("status")["incarnation"] > before


def freeze_neighbour(machine: Machine, alpha: NodeProcess, beta: NodeProcess) -> None:
    """Stop the other process, so that nothing said to it is answered."""
    eventually(lambda: machine.ask("status", "--data-dir", alpha.data_dir)["neighbours"] == ["beta"], "beta joined")
    beta.process.send_signal(signal.SIGSTOP)


def test_ctrl_c_ends_within_the_flush_time_beside_a_neighbour_that_does_not_answer(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha, machine.run("--name", "beta", "--join", alpha.address) as beta:
        freeze_neighbour(machine, alpha, beta)
        assert alpha.end(signal.SIGINT) == 0
        assert files_below(machine.runtime / "partisan" / "node-alpha") == []


def test_a_second_ctrl_c_ends_at_once_and_still_leaves_nothing_behind(machine: Machine) -> None:
    patient = ("--set", "links.flush_timeout=60s")
    with (
        machine.run("--name", "alpha", *patient) as alpha,
        machine.run("--name", "beta", "--join", alpha.address) as beta,
    ):
        freeze_neighbour(machine, alpha, beta)
        alpha.process.send_signal(signal.SIGINT)
        eventually(lambda: "leaving the cluster" in alpha.log, "alpha has taken the first")
        assert alpha.end(signal.SIGINT) == 130
        assert not Path(alpha.data_dir).exists()


def test_what_a_killed_node_left_is_cleared_by_the_next(machine: Machine) -> None:
    with machine.run("--name", "victim") as victim:
        victim.end(signal.SIGKILL)
        assert (Path(victim.data_dir) / SOCKET_NAME).exists()
        assert "no running node is found" in machine.fail("status")
        with machine.run("--name", "next") as following:
            assert machine.ask("status")["name"] == "next"
            assert not Path(victim.data_dir).exists()
            assert following.end(signal.SIGTERM) == 0
    assert files_below(machine.runtime) == []


def test_a_node_that_was_killed_starts_again_in_its_directory(machine: Machine) -> None:
    arguments = ("--name", "alpha", "--set", 'node.data_dir="kept"')
    with machine.run(*arguments) as victim:
        victim.end(signal.SIGKILL)
    with machine.run(*arguments):
        assert machine.ask("status", "--data-dir", str(machine.folder / "kept"))["name"] == "alpha"


def test_log_lines_have_named_loggers_and_the_level_that_was_asked_for(machine: Machine) -> None:
    with (
        machine.run("--name", "alpha") as alpha,
        machine.run("--name", "beta", "--join", alpha.address, "--log-level", "error") as beta,
    ):
        eventually(lambda: "partisan.link" in alpha.log, "alpha logs the link")
        assert alpha.log.count("NeighbourUp peer=beta") == 1
        assert "INFO" in alpha.log
        assert beta.end(signal.SIGTERM) == 0
        assert beta.log == ""


# What cannot start says why, in plain lines, and leaves nothing behind.


def test_a_second_node_in_one_data_dir_is_refused(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha:
        said = machine.fail("run", "--name", "alpha")
        assert f"data_dir {alpha.data_dir} is in use by another node (process {alpha.process.pid})" in said
        assert machine.ask("status")["name"] == "alpha"
        assert alpha.end(signal.SIGTERM) == 0
    assert files_below(machine.runtime) == []


def test_a_data_dir_that_something_else_holds_is_refused(machine: Machine) -> None:
    held = machine.folder / "held"
    with lock_directory(held):
        said = machine.fail("run", "--set", f'node.data_dir="{held}"')
    assert f"data_dir {held} is in use by another node (process {os.getpid()})" in said
    assert files_below(machine.runtime) == []


def test_a_data_dir_that_is_a_file_is_refused(machine: Machine) -> None:
    (machine.folder / "file").write_text("")
    said = machine.fail("run", "--set", f'node.data_dir="{machine.folder}/file"')
    assert f"data_dir {machine.folder}/file cannot be used" in said
    assert "set node.data_dir to a directory that is" in said
    assert files_below(machine.runtime) == []


def test_something_in_the_way_of_the_control_socket_is_kept_and_named(machine: Machine) -> None:
    kept = machine.folder / "kept"
    kept.mkdir()
    (kept / SOCKET_NAME).write_text("precious")
    said = machine.fail("run", "--set", f'node.data_dir="{kept}"')
    assert f"{kept / SOCKET_NAME} is in the way of the control socket" in said
    assert (kept / SOCKET_NAME).read_text() == "precious"


def test_the_data_dir_of_another_node_is_refused_and_left_alone(machine: Machine) -> None:
    kept = machine.folder / "kept"
    place = ("--set", f"node.data_dir={kept}")
    with machine.run("--name", "beta", *place) as node:
        assert node.end(signal.SIGTERM) == 0
    said = machine.fail("run", "--name", "alpha", *place)
    assert f"the state file {kept / 'state.msgpack'} belongs to node 'beta', not 'alpha'" in said
    assert files_below(kept) == ["lock", "state.msgpack"]


def test_a_damaged_state_file_is_put_aside_and_told(machine: Machine) -> None:
    kept = machine.folder / "kept"
    kept.mkdir()
    (kept / "state.msgpack").write_bytes(b"\xc1garbage")
    with machine.run("--set", f"node.data_dir={kept}") as node:
        assert node.end(signal.SIGTERM) == 0
        assert "cannot be believed" in node.log
    assert files_below(kept) == ["lock", "state.corrupt-1", "state.msgpack"]


def test_an_address_in_use_is_named_with_what_to_do(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = machine.fail("run", "--set", f'node.listen=["{address}"]')
    assert f"cannot listen on {address}: another process does" in said
    assert "use port 0 for any free one" in said
    assert files_below(machine.runtime) == []


def test_a_node_of_another_cluster_is_refused_by_name_and_the_process_ends(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha:
        said = machine.fail("run", "--name", "beta", "--join", alpha.address, "--set", "node.cluster=other")
    assert "cluster 'other' there, 'default' here" in said
    assert "The process ends" in said


def test_a_runtime_directory_that_others_can_write_is_refused(machine: Machine) -> None:
    directory = machine.runtime / "partisan"
    directory.mkdir()
    directory.chmod(0o777)
    assert f"{directory} is not a directory that only this user can write" in machine.fail("run")
