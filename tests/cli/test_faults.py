"""`partisan faults`, and what the other commands make of the table `[faults]`."""

from pathlib import Path

from tests.cli.nodes import Machine

ENABLED = ("--set", "faults.enabled=true", "--set", "faults.seed=7")


def test_rules_are_added_listed_and_removed_while_a_node_runs(machine: Machine) -> None:
    with machine.run("--name", "alpha", *ENABLED) as alpha:
        there = ("--data-dir", alpha.data_dir)
        assert "node alpha injects faults where rules say so, seed 7" in alpha.log
        assert machine.ask("faults", "list", *there) == []
        about = ("--peer", "beta", "--channel", "default", "--direction", "out", "--probability", "0.3", "--count", "9")
        lossy = {
            "name": "lossy",
            "action": "drop",
            "match": "out peers=beta channels=default p=0.3 at most 9",
            "firings": 0,
        }
        assert machine.ask("faults", "add", "lossy", "drop", *about, *there) == [lossy]
        slow = ("--time", "50ms", "--jitter", "10ms", "--kind", "data")
        assert len(machine.ask("faults", "add", "slow", "delay", *slow, *there)) == 2
        machine.ask("faults", "add", "apart", "partition", "--peer", "gamma", *there)
        shown = machine.call("faults", "list", *there).output
        assert "apart" in shown
        assert "kinds=data 50ms jitter 10ms" in shown
        assert [row["name"] for row in machine.ask("faults", "heal", *there)] == ["lossy", "slow"]
        assert machine.ask("faults", "remove", "slow", *there) == [lossy]
        for wrong, said in {
            ("add", "lossy", "drop"): "a fault 'lossy' already",
            ("add", "other", "dorp"): "fault 'other': faults.rules.other.action = \"dorp\": expected one of",
            ("add", "other", "drop", "--probability", "1.5"): "at most 1",
            ("add", "other", "drop", "--channel", "defualt"): "did you mean 'default'",
            ("remove", "lossi"): "did you mean 'lossy'",
        }.items():
            assert said in machine.fail("faults", *wrong, *there)
        assert machine.ask("faults", "list", *there) == [lossy]


def test_a_node_whose_configuration_does_not_allow_it_injects_nothing(machine: Machine) -> None:
    with machine.run("--name", "alpha") as alpha:
        for command in (("list",), ("add", "lossy", "drop"), ("remove", "lossy"), ("heal",)):
            said = machine.fail("faults", *command, "--data-dir", alpha.data_dir)
            assert "not enabled on node alpha" in said
            assert "[faults] enabled = true" in said


def test_the_table_is_checked_and_shown_like_the_others(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "alpha.toml"
    file.write_text('[faults]\nenabled = true\n[faults.rules.lossy]\naction = "dorp"\n')
    assert "faults.rules.lossy.action" in machine.fail("config", "check", str(file))
    file.write_text('[faults]\nenabled = true\n[faults.rules.lossy]\naction = "drop"\nprobability = 0.3\n')
    assert machine.ask("config", "check", str(file))["ok"]
    shown = machine.call("config", "show", str(file)).output.splitlines()
    assert "faults.enabled = true" in shown
    assert "faults.rules.lossy.probability = 0.3" in shown
    rows = machine.ask("plugins", "--config", str(file))
    assert [row["active"] for row in rows if row["name"] == "faults"] == [True]
    rows = machine.ask("plugins")
    assert [row["active"] for row in rows if row["name"] == "faults"] == [False]
