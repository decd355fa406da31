"""A running process takes its changed file over, at `partisan reload` and at SIGHUP."""

import signal
from pathlib import Path

from tests.cli.nodes import Machine, NodeProcess, eventually


def channels(machine: Machine, node: NodeProcess) -> set[str]:
    rows = machine.ask("connections", "--data-dir", node.data_dir)
    return {lane["channel"] for row in rows for lane in row["lanes"] if lane["state"] == "connected"}


def configure(machine: Machine, name: str, text: str) -> Path:
    path = machine.folder / f"{name}.toml"
    path.write_text(f'[node]\nname = "{name}"\n{text}')
    return path


def test_sighup_and_the_command_open_a_new_channel_between_two_processes(machine: Machine) -> None:
    paths = [configure(machine, name, "") for name in ("alpha", "beta")]
    with (
        machine.run(str(paths[0])) as alpha,
        machine.run(str(paths[1]), "--join", alpha.address) as beta,
    ):
        eventually(lambda: channels(machine, alpha) == {"membership", "default"}, "beta joined")
        for path in paths:
            path.write_text(path.read_text() + '[channels.jobs]\n[logging]\nlevels = { "partisan.run" = "debug" }\n')
        alpha.process.send_signal(signal.SIGHUP)
        changes = machine.ask("reload", "--data-dir", beta.data_dir)
        assert [change["key"] for change in changes] == ["channels.jobs", 'logging.levels."partisan.run"']
        for node in (alpha, beta):
            eventually(lambda node=node: "jobs" in channels(machine, node), "the new channel is connected")  # type: ignore[misc]
        assert "SIGHUP: channels.jobs is new" in alpha.log
        assert "partisan.run" in alpha.log
        assert machine.call("reload", "--data-dir", beta.data_dir).stdout == "nothing has changed\n"


def test_a_file_that_cannot_be_taken_over_is_told_and_the_process_goes_on_as_it_was(machine: Machine) -> None:
    path = configure(machine, "alpha", "")
    with machine.run(str(path), "--set", "links.linger=2s") as alpha:
        text = path.read_text()
        path.write_text(f'{text}[overlay]\nfanout = 5\n[links]\nredial_limit = "20s"\n')
        told = machine.fail("reload", "--data-dir", alpha.data_dir)
        assert f"{path}: links.redial_limit needs a restart: 10.0 is in use, 20.0 is asked for" in told
        assert "Nothing was changed" in told
        path.write_text(f"{text}[links]\npng_interval = 5\n")
        assert "did you mean 'ping_interval'" in machine.fail("reload", "--data-dir", alpha.data_dir)
        alpha.process.send_signal(signal.SIGHUP)
        eventually(lambda: "did you mean 'ping_interval'" in alpha.log, "the signal was answered in the log")
        path.write_text("")
        assert 'node.name needs a restart: "alpha" is in use, "" is asked for' in machine.fail("reload")
        path.write_text(f'{text}[overlay]\nfanout = 5\n[links]\nlinger = "9s"\n')
        shown = machine.call("reload")
        assert shown.stdout.split() == ["key", "before", "now", "overlay.fanout", "3", "5"]
        assert alpha.end(signal.SIGTERM) == 0
        assert "Traceback" not in alpha.log
