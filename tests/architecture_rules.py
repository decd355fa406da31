"""The rules of the house as checkers: each takes a path and its source, and returns the violations.

They read the syntax tree and never import what they judge, so a planted violation needs no file.
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import NamedTuple

IMPURE_MODULES = frozenset(
    {
        *("asyncio", "concurrent", "multiprocessing", "queue", "sched", "signal", "threading", "trio"),
        *("ctypes", "importlib", "importlib_metadata", "logging", "pluggy", "subprocess", "warnings"),
        *("io", "os", "pathlib", "select", "selectors", "shutil", "socket", "ssl", "tempfile", "urllib"),
        *("datetime", "secrets", "time", "uuid"),
    }
)
"""What does I/O, tells the time, makes randomness of its own, or reaches for the machine in another way."""

IMPURE_BUILTINS = frozenset({"hash", "id", "input", "open", "print"})
"""I/O, and two values that differ from one run to the next: a string's hash and an object's address."""

CODE_MODULES = frozenset({"cloudpickle", "dill", "jsonpickle", "marshal", "pickle", "shelve"})
"""Formats that run code while they are read."""

CODE_BUILTINS = frozenset({"__import__", "compile", "eval", "exec"})


STDLIB_MODULES = sys.stdlib_module_names | {"compression"}
"""The standard library, with what a later Python than the one that runs this has in it."""


class Violation(NamedTuple):
    """One broken rule, at one line."""

    path: str
    line: int
    fault: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.fault}"


class Imported(NamedTuple):
    """One import: `module` alone, or `name` out of it. A relative import is made absolute."""

    line: int
    module: str
    name: str | None
    alias: str

    @property
    def root(self) -> str:
        return self.module.partition(".")[0]


def module_name(path: str) -> str:
    """`partisan_core/src/partisan_core/wire/frames.py` is `partisan_core.wire.frames`."""
    parts = PurePosixPath(path).with_suffix("").parts
    inner = parts[parts.index("src") + 1 :] if "src" in parts else parts
    return ".".join(inner[:-1] if inner[-1] == "__init__" else inner)


def imports(path: str, source: str, *, only_module_level: bool = False) -> Iterator[Imported]:
    """Every import of a file, in functions and by `__import__("name")` or `import_module("name")` too."""
    tree = ast.parse(source)
    nodes = _module_level(tree) if only_module_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            for item in node.names:
                yield Imported(node.lineno, item.name, None, item.asname or item.name)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            for item in node.names:
                yield Imported(node.lineno, module, item.name, item.asname or item.name)
        elif isinstance(node, ast.Call) and (dynamic := _dynamically_imported(node)):
            yield Imported(node.lineno, dynamic, None, "")


def _module_level(tree: ast.Module) -> Iterator[ast.AST]:
    """What runs at import; `if TYPE_CHECKING` too, for it hides a circle and does not mend it."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module_name(path).split(".")
    if not path.endswith("/__init__.py"):
        package.pop()
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _dynamically_imported(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in {"__import__", "import_module"} or not call.args:
        return None
    first = call.args[0]
    return str(first.value) if isinstance(first, ast.Constant) else "(computed)"


def impurities(path: str, source: str) -> list[Violation]:
    """A protocol module has no I/O, no clock and no randomness of its own."""
    found = [
        Violation(path, one.line, f"a protocol module imports {one.root}")
        for one in imports(path, source)
        if one.root in IMPURE_MODULES or one.module == "(computed)"
    ]
    tree = ast.parse(source)
    own_hash = {inner for method in _methods(tree, "__hash__") for inner in ast.walk(method)}
    found += [
        Violation(path, node.lineno, f"a protocol module uses {node.id}()")
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in IMPURE_BUILTINS | {"__import__"} and _is_read(node)
        if not (node.id == "hash" and node in own_hash)
    ]
    return sorted(found + _own_randomness(path, source, tree))


def _own_randomness(path: str, source: str, tree: ast.Module) -> list[Violation]:
    """Only `random.Random` is allowed, as a type or with a seed."""
    modules = {one.alias for one in imports(path, source) if one.module == "random" and one.name is None}
    generators = {one.alias for one in imports(path, source) if (one.module, one.name) == ("random", "Random")}
    found = [
        Violation(path, one.line, f"a protocol module takes {one.name} from random: take an rng as an argument")
        for one in imports(path, source)
        if one.module == "random" and one.name not in {None, "Random"}
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in modules and node.attr != "Random":
                found.append(Violation(path, node.lineno, f"a protocol module uses random.{node.attr}"))
        elif isinstance(node, ast.Call) and not node.args and _is_generator(node.func, modules, generators):
            found.append(Violation(path, node.lineno, "a protocol module makes a Random without a seed"))
    return found


def _is_generator(made: ast.expr, modules: Set[str], generators: Set[str]) -> bool:
    if isinstance(made, ast.Attribute) and isinstance(made.value, ast.Name):
        return made.value.id in modules and made.attr == "Random"
    return isinstance(made, ast.Name) and made.id in generators


def _methods(tree: ast.Module, name: str) -> Iterator[ast.FunctionDef]:
    """`__hash__` may call `hash`: it decides no behaviour, only where a dictionary looks."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def foreign_imports(path: str, source: str, allowed: Set[str]) -> list[Violation]:
    """A file imports the standard library, and of everything else only the packages in `allowed`."""
    return [
        Violation(path, one.line, f"imports {one.module}; allowed here: {', '.join(sorted(allowed))}")
        for one in imports(path, source)
        if one.root not in allowed and one.root not in STDLIB_MODULES and one.module != "(computed)"
    ]


def impure_neighbours(path: str, source: str, pure: Set[str], tolerated: Set[str]) -> list[Violation]:
    """Of the project's own modules, a protocol module imports only pure ones and those in `tolerated`."""
    return [
        Violation(path, one.line, f"a protocol module imports {one.module}, which is not pure")
        for one in imports(path, source)
        if one.root.startswith("partisan_") and not _targets(one, pure | tolerated) & (pure | tolerated)
    ]


def pluggy_imports(path: str, source: str) -> list[Violation]:
    """Only the façade knows pluggy."""
    return [
        Violation(path, one.line, "imports pluggy: only partisan_core/plugins.py does")
        for one in imports(path, source)
        if one.root == "pluggy"
    ]


def code_from_data(path: str, source: str) -> list[Violation]:
    """Nothing turns data into code: no pickle and its like, no eval, no exec."""
    found = [
        Violation(path, one.line, f"imports {one.root}, which runs code while it reads data")
        for one in imports(path, source)
        if one.root in CODE_MODULES
    ]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(name) | ast.Attribute(ast.Name("builtins" | "__builtins__"), name):
                if name in CODE_BUILTINS:
                    found.append(Violation(path, node.lineno, f"uses {name}"))
    return sorted(found)


def import_cycle(sources: Mapping[str, str]) -> list[str]:
    """One circle of modules that import one another at module level, or nothing; from path -> source."""
    modules = {module_name(path) for path in sources}
    graph = {
        module_name(path): {
            target
            for one in imports(path, source, only_module_level=True)
            for target in _targets(one, modules)
            if target in modules
        }
        for path, source in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _targets(one: Imported, modules: Set[str] = frozenset()) -> set[str]:
    """`from a import b` means the module `a.b` where there is one, and `a` where not."""
    inner = one.module if one.name is None else f"{one.module}.{one.name}"
    return {inner} if inner in modules else {one.module}
