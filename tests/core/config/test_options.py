"""The part of a table that a plugin owns."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import pytest

from partisan_core.config import Bytes, PositiveSeconds, Selection, load_config, structure_options
from partisan_core.config.readings import Count
from partisan_core.errors import ConfigError


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    interval: PositiveSeconds = 1.0
    window: Bytes = 0
    fanout: Annotated[int, Count(1, 9)] = 3
    ratio: float = 0.5
    eager: bool = False
    colour: Colour = Colour.RED
    mode: Literal["push", "pull"] = "push"
    peers: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    pair: tuple[str, int] = ("", 0)
    weights: Mapping[str, float] | None = None
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.eager and self.mode == "pull":
            raise ValueError("eager makes no sense with mode pull: leave one of them out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanding:
    peers: tuple[str, ...]


def options(**values: object) -> Options:
    return structure_options(Selection(use="ring", options=values), Options, "overlay")


def refusal(**values: object) -> str:
    with pytest.raises(ConfigError) as caught:
        options(**values)
    return str(caught.value).removeprefix("configuration made in code: ")


def test_no_option_gives_the_defaults_of_the_plugin() -> None:
    assert options() == Options()


def test_options_of_every_type_are_read() -> None:
    read = options(
        interval="2s",
        window="1KiB",
        fanout=2,
        ratio=1,
        eager=True,
        colour="blue",
        mode="push",
        peers=["a", "b"],
        tags=["x", "x"],
        pair=["a", 1],
        weights={"a": 1.5},
        files=["/x"],
    )
    assert read == Options(
        interval=2.0,
        window=1024,
        fanout=2,
        ratio=1.0,
        eager=True,
        colour=Colour.BLUE,
        peers=("a", "b"),
        tags=frozenset({"x"}),
        pair=("a", 1),
        weights={"a": 1.5},
        files=(Path("/x"),),
    )


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"fanot": 1}, "overlay.fanot = 1: unknown key (did you mean 'fanout'?)"),
        ({"fanout": 10}, "overlay.fanout = 10: expected a whole number from 1 to 9"),
        ({"interval": 5}, 'overlay.interval = 5: expected a duration with its unit: "5ms" or "5s"'),
        ({"colour": "green"}, "overlay.colour = \"green\": expected one of 'red', 'blue'"),
        ({"mode": "pusch"}, "overlay.mode = \"pusch\": expected one of 'push', 'pull'"),
        ({"eager": 1}, "overlay.eager = 1: expected true or false"),
        ({"ratio": "1"}, 'overlay.ratio = "1": expected a number'),
        ({"peers": "a"}, 'overlay.peers = "a": expected a list: write ["a"]'),
        ({"tags": ["a", 1]}, 'overlay.tags[1] = 1: expected text in quotes, for example "text"'),
        ({"weights": {"a": "b"}}, 'overlay.weights.a = "b": expected a number'),
        ({"weights": 1}, "overlay.weights = 1: expected a table"),
        (
            {"eager": True, "mode": "pull"},
            "overlay: eager makes no sense with mode pull: leave one of them out",
        ),
    ],
    ids=str,
)
def test_a_wrong_option_is_answered_with_key_value_and_what_was_expected(
    values: dict[str, object], answer: str
) -> None:
    assert refusal(**values) == answer


def test_a_missing_option_without_default_is_named() -> None:
    with pytest.raises(ConfigError, match=r"overlay.peers: this key is required"):
        structure_options(Selection(use="ring"), Demanding, "overlay")


def test_all_wrong_options_are_told_at_once() -> None:
    assert refusal(fanout=0, ratio="x", zzz=1).startswith("the configuration has 3 errors:")


def test_options_remember_the_file_that_said_them(tmp_path: Path) -> None:
    path = tmp_path / "alpha.toml"
    path.write_text('[overlay]\nuse = "ring"\nfanout = 0\nweights = { a = "b" }\nfiles = ["x"]')
    overlay = load_config(path, environ={"PARTISAN__OVERLAY__RATIO": "often"}).overlay
    with pytest.raises(ConfigError) as caught:
        structure_options(overlay, Options, "overlay")
    assert str(caught.value).splitlines()[1:] == [
        f"  {path}: overlay.fanout = 0: expected a whole number from 1 to 9",
        '  environment variable PARTISAN__OVERLAY__RATIO: overlay.ratio = "often": expected a number',
        f'  {path}: overlay.weights.a = "b": expected a number',
    ]


def test_relative_paths_of_options_are_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "alpha.toml"
    path.write_text('[overlay]\nfiles = ["x", "/y"]')
    overlay = load_config(path, environ={}).overlay
    assert structure_options(overlay, Options, "overlay").files == (tmp_path / "x", Path("/y"))
