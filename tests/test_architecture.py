"""The gates of the architecture: purity, the direction of imports, no code out of data, no circles.

Every gate is first shown to close: a violation is planted and must be found.
"""

import re
from fnmatch import fnmatch

import pytest

from tests.architecture_rules import (
    Violation,
    code_from_data,
    foreign_imports,
    import_cycle,
    impure_neighbours,
    impurities,
    module_name,
    pluggy_imports,
)
from tests.workspace import Distribution, distributions, sources

SOURCES = sources()

PURE = (
    "partisan_*/src/*/_protocol.py",
    "partisan_clientserver/src/*/_client.py",
    "partisan_clientserver/src/*/_server.py",
    "partisan_*/src/*/_neighbours.py",
    "partisan_*/src/*/_views.py",
    *(f"partisan_hyparview/src/*/_{name}.py" for name in ("acquaintances", "backoff", "draws", "hearsay", "reserved")),
    "partisan_*/src/*/_xbot.py",
    "partisan_*/src/*/costs.py",
    "partisan_*/src/*/messages.py",
    "plugins/partisan_*/src/*/_protocol.py",
    "plugins/partisan_*/src/*/_neighbours.py",
    "plugins/partisan_*/src/*/_views.py",
    "plugins/partisan_overlay_*/src/*/messages.py",
    *(f"plugins/partisan_faults/src/*/{name}.py" for name in ("rules", "fates", "line")),
    *(f"plugins/partisan_detector_*/src/*/{name}.py" for name in ("messages", "_suspicion", "_rumours", "_records")),
    "plugins/partisan_causal/src/*/order.py",
    "plugins/partisan_causal/src/*/stamps.py",
    *(
        f"partisan_core/src/partisan_core/{name}.py"
        for name in (
            "identity", "errors", "events", "downs", "effects", "strategy", "host", "notices",
            "membership", "gossip", "detection", "compression", "refs", "spelling",
            "wire/*", "detectors/*", "policies/*", "compressions/*", "config/readings", "config/units", "kernel/_links",
        )
    ),
)  # fmt: skip
"""The protocol modules: what the boundary sentence speaks of."""

TOLERATED = frozenset({"partisan_core.config", "partisan_core.kinds"})
"""What a protocol module may name although it is no protocol module: its options and what it hands over."""

CORE_DEPENDENCIES = frozenset({"trio", "pluggy", "msgspec", "cattrs", "importlib_metadata"})

FACADE = "partisan_core/src/partisan_core/plugins.py"


def protocol_modules() -> list[str]:
    return [path for path in SOURCES if any(fnmatch(path, pattern) for pattern in PURE)]


def listed(violations: list[Violation]) -> str:
    return "\n".join(str(one) for one in violations)


def imports_hookimpl(path: str) -> bool:
    """Such a part of the core is its own plugin module; of the façade it needs only the marker."""
    return any(f"/{folder}/" in path for folder in ("detectors", "policies", "compressions"))


# The gates close.

PLANTED_IMPURITIES = {
    "import": "import time",
    "alias": "import time as t",
    "submodule": "import os.path",
    "from": "from time import monotonic",
    "trio": "import trio",
    "socket": "from socket import socket",
    "logging": "import logging",
    "asyncio": "import asyncio",
    "threads": "from threading import Lock",
    "secrets": "import secrets",
    "inside a function": "def now() -> float:\n    import time\n    return time.monotonic()",
    "inside a method": "class A:\n    def f(self) -> None:\n        from os import environ",
    "only for types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import trio",
    "dunder import": "clock = __import__('time')",
    "computed import": "clock = __import__('ti' + 'me')",
    "importlib": "from importlib import import_module\nclock = import_module('time')",
    "random function": "from random import choice",
    "random method": "import random\nrandom.shuffle([])",
    "random alias": "import random as r\nr.random()",
    "random of the system": "from random import SystemRandom",
    "random without a seed": "import random\nrng = random.Random()",
    "generator without a seed": "from random import Random\nrng = Random()",
    "hash": "def place(name: str) -> int:\n    return hash(name)",
    "hash as a key": "names = sorted([], key=hash)",
    "id": "def token(peer: object) -> int:\n    return id(peer)",
    "open": "text = open('state').read()",
    "print": "print('joined')",
}


@pytest.mark.parametrize("source", PLANTED_IMPURITIES.values(), ids=PLANTED_IMPURITIES.keys())
def test_a_planted_impurity_is_found_at_its_line(source: str) -> None:
    found = impurities("partisan_x/src/partisan_x/_protocol.py", f'"""Doc."""\n{source}\n')
    assert found
    assert all(2 <= one.line <= source.count("\n") + 2 for one in found)


@pytest.mark.parametrize(
    "source",
    [
        "import random\n\ndef make(rng: random.Random) -> int:\n    return rng.randrange(3)",
        "from random import Random\nrng = Random(7)",
        "class A:\n    def __hash__(self) -> int:\n        return hash((self.id, self.name))",
        "def f(box: object) -> None:\n    box.open()",
        "'import time'\n# import socket",
    ],
)
def test_what_a_protocol_module_may_do_is_not_reported(source: str) -> None:
    assert impurities("partisan_x/src/partisan_x/_protocol.py", source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import partisan_fullmesh",
        "import partisan_fullmesh.plugin as p",
        "from partisan_fullmesh import FullMesh",
        "def f() -> None:\n    from partisan_codec_msgpack.plugin import x",
        "mesh = __import__('partisan_fullmesh')",
        "import requests",
    ],
)
def test_a_planted_foreign_import_in_the_core_is_found(source: str) -> None:
    assert foreign_imports("partisan_core/src/partisan_core/kernel/node.py", source, {"partisan_core", "trio"})


def test_a_planted_import_of_the_kernel_by_a_protocol_module_is_found() -> None:
    pure = {"partisan_core.identity", "partisan_core.wire"}
    assert impure_neighbours("x/_protocol.py", "from partisan_core.kernel.node import Node", pure, set())
    assert impure_neighbours("x/_protocol.py", "from partisan_core import open_node", pure, set())
    assert not impure_neighbours("x/_protocol.py", "from partisan_core.identity import NodeSpec", pure, set())
    assert not impure_neighbours("x/_protocol.py", "from partisan_core import identity", pure, set())


@pytest.mark.parametrize("source", ["import pluggy", "import pluggy as p", "from pluggy import HookimplMarker"])
def test_a_planted_import_of_pluggy_is_found(source: str) -> None:
    assert pluggy_imports("partisan_core/src/partisan_core/hookspecs.py", source)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from marshal import loads",
        "def f() -> None:\n    import shelve",
        "codec = __import__('pickle')",
        "eval('1')",
        "run = exec",
        "import builtins\nbuiltins.eval('1')",
        "compile('1', 'x', 'eval')",
        "__import__('json')",
    ],
)
def test_planted_code_from_data_is_found(source: str) -> None:
    assert code_from_data("partisan_core/src/partisan_core/wire/batch.py", source)


def test_compiling_a_pattern_is_no_code_from_data() -> None:
    assert code_from_data("x.py", "import re\nre.compile('a')") == []


@pytest.mark.parametrize(
    "back",
    [
        "import partisan_core.a",
        "from partisan_core import a",
        "from . import a",
        "from .a import x as y",
        "class B:\n    from partisan_core.a import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from partisan_core.a import x",
        "try:\n    from partisan_core.c import z\nexcept ImportError:\n    pass",
    ],
)
def test_a_planted_circle_is_found(back: str) -> None:
    planted = {
        "partisan_core/src/partisan_core/a.py": "from partisan_core import b",
        "partisan_core/src/partisan_core/b.py": back,
        "partisan_core/src/partisan_core/c.py": "from .a import x",
    }
    assert import_cycle(planted)


def test_a_chain_of_imports_is_no_circle() -> None:
    straight = {
        "partisan_core/src/partisan_core/__init__.py": "from partisan_core.a import x",
        "partisan_core/src/partisan_core/a.py": "from partisan_core.wire import frames",
        "partisan_core/src/partisan_core/wire/__init__.py": "from partisan_core.wire.frames import Frame",
        "partisan_core/src/partisan_core/wire/frames.py": "def late() -> None:\n    import partisan_core.a",
    }
    assert import_cycle(straight) == []


# The house obeys.


def test_the_protocol_modules_are_found_at_all() -> None:
    names = {module_name(path) for path in protocol_modules()}
    assert {"partisan_core.host", "partisan_core.membership", "partisan_core.wire.frames"} <= names
    assert {f"{one.folder.name}._protocol" for one in distributions() if one.is_overlay} <= names


@pytest.mark.parametrize("path", protocol_modules())
def test_a_protocol_module_is_pure(path: str) -> None:
    found = impurities(path, SOURCES[path])
    assert not found, listed(found)


@pytest.mark.parametrize("path", protocol_modules())
def test_a_protocol_module_leans_only_on_pure_ones(path: str) -> None:
    pure = {module_name(one) for one in protocol_modules()}
    own_options = module_name(path).rpartition(".")[0] + ".config"
    marker = {"partisan_core.plugins"} if imports_hookimpl(path) else set()
    found = impure_neighbours(path, SOURCES[path], pure, TOLERATED | {own_options} | marker)
    assert not found, listed(found)


@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_a_distribution_imports_only_what_it_declares(distribution: Distribution) -> None:
    extras = distribution.project.get("optional-dependencies", {}).values()
    needs = [*distribution.project["dependencies"], *(need for extra in extras for need in extra)]
    declared = {re.split("[>.]", need)[0].replace("-", "_") for need in needs}
    allowed = declared | {distribution.folder.name} | baselines(distribution)
    found = [
        violation
        for path in distribution.sources()
        for violation in foreign_imports(Distribution.relative(path), path.read_text(), allowed)
    ]
    assert not found, listed(found)


def baselines(distribution: Distribution) -> set[str]:
    """The benchmark compares with a library that its users need not have: the workspace's group `bench`."""
    return {"zmq"} if distribution.folder.name == "partisan_bench" else set()


def test_the_core_depends_on_its_five_libraries_and_on_nothing_else() -> None:
    core = next(one for one in distributions() if one.folder.name == "partisan_core")
    declared = {str(need).partition(">")[0].replace("-", "_") for need in core.project["dependencies"]}
    assert declared == CORE_DEPENDENCIES


@pytest.mark.parametrize("overlay", [one for one in distributions() if one.is_overlay], ids=str)
def test_an_overlay_imports_only_the_core_and_msgspec(overlay: Distribution) -> None:
    allowed = {"partisan_core", "msgspec", overlay.folder.name}
    found = [
        violation
        for path in overlay.sources()
        for violation in foreign_imports(Distribution.relative(path), path.read_text(), allowed)
    ]
    assert not found, listed(found)


def test_only_the_facade_imports_pluggy() -> None:
    found = [one for path, source in SOURCES.items() if path != FACADE for one in pluggy_imports(path, source)]
    assert not found, listed(found)
    assert pluggy_imports(FACADE, SOURCES[FACADE])


@pytest.mark.parametrize("path", [path for path in SOURCES if path != FACADE])
def test_no_source_turns_data_into_code(path: str) -> None:
    found = code_from_data(path, SOURCES[path])
    assert not found, listed(found)


@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_the_modules_of_a_distribution_import_one_another_in_no_circle(distribution: Distribution) -> None:
    own = {Distribution.relative(path): path.read_text() for path in distribution.sources()}
    circle = import_cycle(own)
    assert not circle, " -> ".join(circle)
