"""Why can A not reach B, and is A healthy: what the command answers an operator and a container."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cli.nodes import Machine, NodeProcess, eventually

QUICK = ("--set", 'links.reconnect_grace="200ms"', "--set", 'links.redial_limit="300ms"')


@contextmanager
def linked(machine: Machine) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    with (
        machine.run("--name", "alpha", *QUICK) as alpha,
        machine.run("--name", "beta", *QUICK, "--join", alpha.address) as beta,
    ):
        eventually(lambda: status(machine, alpha)["neighbours"] == ["beta"], "beta joined")
        yield alpha, beta


def status(machine: Machine, node: NodeProcess) -> Any:
    return machine.ask("status", "--data-dir", node.data_dir)


def link(machine: Machine, node: NodeProcess) -> Any:
    (found,) = machine.ask("connections", "beta", "--data-dir", node.data_dir)
    return found


def test_a_killed_peer_is_shown_with_error_address_and_next_dial(machine: Machine) -> None:
    with linked(machine) as (alpha, beta):
        of_alpha = ("--data-dir", alpha.data_dir)
        beta.end(signal.SIGKILL)
        eventually(lambda: link(machine, alpha)["member"] == "down", "beta is down")
        found = link(machine, alpha)
        (lane,) = found["lanes"]
        assert (found["state"], found["wanted_by"]) == ("dialling", ["overlay"])
        assert lane["error_address"] == beta.address
        assert "refused" in lane["last_error"]
        assert not lane["resolved"]
        eventually(lambda: link(machine, alpha)["lanes"][0]["next_dial"] is not None, "alpha pauses between dials")
        shown = machine.call("connections", "beta", *of_alpha).stdout
        assert shown.startswith("beta (down): dialling for ")
        assert f"ago: {beta.address}: " in shown


def test_a_peer_that_refuses_is_shown_with_the_code_of_the_refusal(machine: Machine) -> None:
    with linked(machine) as (alpha, beta):
        beta.end(signal.SIGKILL)
        with machine.run("--name", "gamma", "--set", f'node.listen=["{beta.address}"]', "--set", 'node.cluster="shop"'):
            eventually(lambda: link(machine, alpha)["lanes"][0]["error_code"] == "cluster", "alpha was refused")
            assert "[cluster]: " in machine.call("connections", "beta", "--data-dir", alpha.data_dir).stdout


def test_a_link_that_came_back_shows_its_last_error_as_resolved(machine: Machine) -> None:
    with linked(machine) as (alpha, beta):
        beta.end(signal.SIGKILL)
        with machine.run("--name", "beta", "--set", f'node.listen=["{beta.address}"]'):
            eventually(lambda: link(machine, alpha)["member"] == "up", "beta is back")
            (membership, _) = link(machine, alpha)["lanes"]
            assert membership["last_error"]
            assert membership["resolved"]
            assert "ago" not in machine.call("connections", "beta", "--data-dir", alpha.data_dir).stdout.splitlines()[0]


def test_a_node_that_has_no_link_though_it_wants_some_is_not_healthy(machine: Machine) -> None:
    with linked(machine) as (alpha, beta):
        of_alpha = ("--data-dir", alpha.data_dir)
        assert machine.call("status", *of_alpha).exit_code == 0
        beta.end(signal.SIGKILL)
        eventually(lambda: machine.call("status", *of_alpha).exit_code == 1, "alpha is alone")
        assert "alpha is not healthy: it is alone: no link to any of beta" in machine.fail("status", *of_alpha)
        told = status(machine, alpha)
        assert (told["healthy"], told["missing"]) == (False, ["beta"])


def test_the_death_of_one_node_makes_the_others_ill_only_strictly(machine: Machine) -> None:
    with linked(machine) as (alpha, beta), machine.run("--name", "gamma", *QUICK, "--join", alpha.address):
        of_alpha = ("--data-dir", alpha.data_dir)
        eventually(lambda: len(status(machine, alpha)["neighbours"]) == 2, "gamma joined")
        beta.end(signal.SIGKILL)
        eventually(lambda: status(machine, alpha)["missing"] == ["beta"], "beta is missing")
        assert machine.call("status", *of_alpha).exit_code == 0
        assert "there is no link to beta" in machine.fail("status", "--strict", *of_alpha)


def test_a_node_that_left_is_not_healthy_and_one_that_is_alone_by_choice_is(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha:
        of_alpha = ("--data-dir", alpha.data_dir)
        assert machine.call("status", *of_alpha).exit_code == 0
        assert machine.call("leave", "--stay", *of_alpha).exit_code == 0
        assert "alpha is not healthy: it is no member of the cluster any more: left" in machine.fail(
            "status", *of_alpha
        )
        alpha.end(signal.SIGKILL)
        assert "no running node can be reached" in machine.fail("status", *of_alpha)


def test_a_member_that_left_is_shown_without_a_link(machine: Machine) -> None:
    with linked(machine) as (alpha, beta):
        assert beta.end(signal.SIGTERM) == 0
        eventually(lambda: link(machine, alpha)["member"] == "left", "beta left")
        eventually(lambda: link(machine, alpha)["lanes"] == [], "the link is forgotten")
        assert link(machine, alpha)["wanted_by"] == []
        assert machine.call("connections", "beta", "--data-dir", alpha.data_dir).stdout.startswith("beta (left): idle")
