"""Which running node a command is for, and how to ask it."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click
from msgspec import Struct

from partisan_cli.runtime import ephemeral_directory, running, runtime_directory
from partisan_control.client import ask
from partisan_control.protocol import Nothing
from partisan_core.errors import ControlError

_P = ParamSpec("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")

_NOTHING = Nothing()


class RunningNode:
    """A node of this machine, by its data_dir."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def ask(self, command: str, result: type[_T], arguments: Struct = _NOTHING, *, timeout: float = 10.0) -> _T:
        """See `partisan_control.client.ask`."""
        return ask(self._data_dir, command, result, arguments, timeout=timeout)


def for_a_node(command: Callable[Concatenate[RunningNode, _P], _R]) -> Callable[_P, _R]:
    """Give a command the options that say which node it is for, and the node as its first argument."""

    @click.option("--config", type=click.Path(path_type=Path), help="The configuration file the node runs with.")
    @click.option("--data-dir", type=click.Path(path_type=Path), help="The node's data_dir.")
    @wraps(command)
    def found(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        config, data_dir = kwargs.pop("config"), kwargs.pop("data_dir")
        assert isinstance(config, Path | None)
        assert isinstance(data_dir, Path | None)
        return command(RunningNode(_find(config, data_dir)), *args, **kwargs)

    return found


def _find(config: Path | None, data_dir: Path | None) -> Path:
    if config is not None and data_dir is not None:
        raise click.UsageError("--config and --data-dir say the same: give one of them")
    if data_dir is not None:
        return data_dir
    return _only_one() if config is None else _configured(config)


def _configured(path: Path) -> Path:
    from partisan_core.config.loader import load_config

    node = load_config(path).node
    if node.data_dir is not None:
        return node.data_dir
    if node.name:
        return ephemeral_directory(node.name)
    raise ControlError(f"{path} gives its node neither a data_dir nor a name: say where it is with --data-dir")


def _only_one() -> Path:
    found = running()
    if len(found) == 1:
        return found[0]
    if not found:
        raise ControlError(
            f"no running node is found in {runtime_directory()}. Start one with `partisan run`, or say where it is "
            f"with --data-dir"
        )
    candidates = "".join(f"\n  --data-dir {data_dir}" for data_dir in found)
    raise ControlError(f"{len(found)} nodes are running; say which one is meant:{candidates}")
