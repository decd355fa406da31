"""Docstrings and classes as Markdown."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator

SECTION = re.compile(r"(Called when|Returns|May it block|Since|Raises|Args): *(.*)")
ENTRY = re.compile(r"    (\*{0,2}\w[\w., ]*): (.+)")


def prose(documented: object) -> str:
    """A docstring as Markdown: its labelled paragraphs (`Returns: …`, `Raises: …`) become a list."""
    lines: list[str] = []
    labelled = False
    for line in (inspect.getdoc(documented) or "").splitlines():
        if label := SECTION.fullmatch(line):
            lines.append(f"- *{label[1]}:* {label[2]}".rstrip())
            labelled = True
        elif labelled and (entry := ENTRY.fullmatch(line)):
            lines.append(f"  - `{entry[1]}`: {entry[2]}")
        elif labelled and line:
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
            labelled = False
    return "\n".join(lines).strip()


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", *(part.strip() for part in parts if part.strip())]) + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def code(text: str) -> str:
    """Text as it is written in a program."""
    return f"`{text}`"


def signature(function: Callable[..., object]) -> str:
    """`name(argument: Type) -> Type` with types as written, without `self`.

    A property has no brackets; an asynchronous context manager shows what its `async with` yields.
    """
    [node] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    returned = ast.unparse(node.returns) if node.returns else "None"
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
    if "property" in decorators:
        return f"{node.name}: {returned}"
    if "asynccontextmanager" in decorators:
        yielded = returned.removeprefix("AsyncIterator[").removesuffix("]")
        return f"async with {node.name}({arguments}) -> {yielded}"
    start = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{start}{node.name}({arguments}) -> {returned}"


def described(function: Callable[..., object]) -> str:
    """Signature and docstring."""
    return f"```python\n{signature(function)}\n```\n\n{prose(function)}"


def fields(owner: type) -> Iterator[tuple[str, str, str]]:
    """(name, type as written, docstring) of each annotated attribute of a class."""
    for name, node, text in _documented(owner):
        if isinstance(node, ast.AnnAssign) and not name.startswith("_"):
            yield name, ast.unparse(node.annotation), text


def constants(owner: type) -> Iterator[tuple[str, str]]:
    """(name, docstring) of each constant of a class, such as the members of an enumeration."""
    for name, node, text in _documented(owner):
        if isinstance(node, ast.Assign):
            yield name, text


def methods(owner: type) -> Iterator[Callable[..., object]]:
    """The public methods and properties that a class defines itself, in the order of its source."""
    for name, member in vars(owner).items():
        function = member.fget if isinstance(member, property) else member
        if inspect.isfunction(function) and not name.startswith("_"):
            yield function


def _documented(owner: type) -> Iterator[tuple[str, ast.stmt, str]]:
    """Assignments with the docstring below each."""
    [node] = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(node, ast.ClassDef)
    for statement, below in zip(node.body, [*node.body[1:], None], strict=True):
        match statement:
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                yield name, statement, _text(below)


def _text(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return inspect.cleandoc(str(statement.value.value))
    return ""


def classes(module: object, parent: type) -> list[type]:
    """The classes that a module defines itself below `parent`, in the order of its source."""
    found = [member for member in vars(module).values() if inspect.isclass(member) and issubclass(member, parent)]
    return [one for one in found if one is not parent and one.__module__ == getattr(module, "__name__", "")]
