"""What the documentation shows is executed, and what there is to document is documented."""

import inspect
import os
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_type_hints

import pytest

from partisan_core import Mailbox, Node, Receipt, errors, hookspecs, kinds, load_config, notices
from partisan_core.config import structure_options
from partisan_core.config.model import FAULTS, ChannelConfig, Config, Selection
from partisan_core.config.readings import is_reloadable
from partisan_core.messaging import Messaging
from partisan_core.plugins import GROUPS, Plugins
from tests.pages import Page, pages
from tests.workspace import ROOT, distributions

PAGES = pages()


def run(command: list[str | Path], cwd: Path, **environ: str) -> str:
    """Run to the end and return the output; a failure shows what the command said."""
    everything = {**os.environ, **environ}
    done = subprocess.run(command, cwd=cwd, env=everything, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# What is shown works.


def test_a_fault_in_a_shown_program_is_found_at_its_line_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "planted.md"
    path.write_text(
        "# Planted\n\n```python\nnumber = 1\n```\n\nText.\n\n"
        "<!-- file: shown.toml -->\n```toml\n[node]\n```\n\n"
        "<!-- not run: it is wrong on purpose -->\n```python\nraise SystemExit\n```\n\n"
        "```python\nassert number == 2\n```\n\n```console\n$ python x.py\n$ pip install x\n```\n"
    )
    page = Page(path)
    page.write_files(tmp_path)
    assert (tmp_path / "shown.toml").read_text() == "[node]\n"
    assert list(page.commands()) == ["python x.py"]
    program = tmp_path / "program.py"
    program.write_text(page.program())
    with pytest.raises(AssertionError, match=r"line 20, in <module>\s+assert number == 2"):
        run([sys.executable, program], tmp_path)


def test_the_parts_of_a_file_are_put_together_in_their_order_and_are_not_run(tmp_path: Path) -> None:
    path = tmp_path / "planted.md"
    part = "<!-- part: a/b.py -->\n```python\nnumber = {}\n```\n\nText.\n\n"
    path.write_text(part.format(1) + "```python\nshown = 0\n```\n\n" + part.format(2))
    page = Page(path)
    assert page.parts() == {"a/b.py": "number = 1\n\nnumber = 2\n"}
    assert page.program().split() == ["shown", "=", "0"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.program()], ids=str)
def test_the_python_of_a_page_runs_as_one_program(page: Page, tmp_path: Path) -> None:
    page.write_files(tmp_path)
    program = tmp_path / page.path.with_suffix(".md.py").name
    program.write_text(page.program())
    run([sys.executable, "-W", "error", program], tmp_path)


@pytest.mark.parametrize("page", [page for page in PAGES if list(page.configurations())], ids=str)
def test_the_configurations_of_a_page_are_accepted(page: Page, tmp_path: Path) -> None:
    for block in page.configurations():
        path = tmp_path / "shown.toml"
        path.write_text(block.text)
        config = load_config(path, environ={})
        check_options(config)


def check_options(config: Config) -> None:
    """The plugins' own keys too."""
    plugins = Plugins()
    structure_options(config.overlay, plugins.overlay(config.overlay.use).config, "overlay")
    structure_options(config.serializer, plugins.serializer(config.serializer.use).config, "serializer")
    structure_options(config.transport, plugins.transport(config.transport.use).config, "transport")


@pytest.mark.parametrize("page", [page for page in PAGES if list(page.commands())], ids=str)
def test_the_commands_of_a_page_succeed(page: Page, tmp_path: Path) -> None:
    page.write_files(tmp_path)
    scripts = str(Path(sys.executable).parent)
    for command in page.commands():
        run(list(command.split()), tmp_path, PATH=os.pathsep.join([scripts, os.environ["PATH"]]))


def test_the_readme_shows_at_most_fifteen_lines_of_python() -> None:
    program = Page(ROOT / "README.md").program()
    assert len([line for line in program.splitlines() if line.strip()]) <= 15


@pytest.mark.parametrize("line", ["uv run partisan demo", "uv run pytest"])
def test_the_readme_sets_everything_up_in_one_line(line: str) -> None:
    shown = [block.text for block in Page(ROOT / "README.md").blocks() if block.language == "console"]
    assert f"$ pip install uv && {line}" in "".join(shown).splitlines()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_links_of_a_page_lead_somewhere(page: Page) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page.path.read_text())
    files = [target for target in targets if "://" not in target]
    assert [target for target in files if not (page.path.parent / target).exists()] == []


# What there is, is documented.


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated pages."""
    folder = tmp_path_factory.mktemp("reference")
    run([sys.executable, "-m", "partisan_reference", folder], ROOT, PYTHONPATH=str(ROOT / "docs" / "_ext"))
    return folder


def test_each_hook_is_in_the_reference_with_its_arguments(reference: Path) -> None:
    text = (reference / "hooks.md").read_text()
    for kind in GROUPS:
        hook = getattr(hookspecs, f"partisan_{kind}")
        section = text.partition(f"## `{hook.__name__}`")[2].partition("\n## ")[0]
        assert section, hook.__name__
        assert [name for name in inspect.signature(hook).parameters if name not in section] == []
        assert all(label in section for label in ("Called when", "Returns", "May it block", "Since")), hook.__name__


def test_each_record_of_a_hook_is_in_the_reference_with_its_fields(reference: Path) -> None:
    text = (reference / "hooks.md").read_text()
    for kind in GROUPS:
        record = inspect.get_annotations(getattr(hookspecs, f"partisan_{kind}"), eval_str=True)["return"]
        assert hasattr(kinds, record.__name__)
        section = text.partition(f"`{record.__name__}` has these fields")[2].partition("\n## ")[0]
        assert [one.name for one in fields(record) if f"| `{one.name}` |" not in section] == []


def test_each_protocol_of_what_a_record_makes_is_in_the_reference(reference: Path) -> None:
    text = (reference / "hooks.md").read_text()
    made = ["Serializer", "ChannelPolicy", "Compression", "FailureDetector", "Transport"]
    assert [name for name in made if f"### `{name}`" not in text] == []


def documented_sections() -> list[tuple[str, type]]:
    """Each table of the configuration with the class of its keys."""
    sections: list[tuple[str, type]] = [("## `[channels.NAME]`", ChannelConfig)]
    for section in fields(Config):
        default = section.default_factory() if section.default_factory is not MISSING else None
        if section.repr and section.name != "channels" and not isinstance(default, Selection):
            sections.append((f"## `[{section.name}]`", type(default)))
    plugins = Plugins()
    for info in plugins.listing():
        record = getattr(plugins, info.kind)(info.name)
        if info.kind not in ("channel_policy", "checksum"):
            named = f"[extensions.{info.name}]" if info.kind == "extension" else f'use = "{info.name}"'
            named = "enabled = true" if info.name == FAULTS else named
            sections.append((f"### `{named}`, of {info.distribution}", record.config))
    return sections


def test_each_key_of_the_configuration_is_in_the_reference_with_type_default_and_meaning(
    reference: Path,
) -> None:
    text = (reference / "configuration.md").read_text()
    for title, options in documented_sections():
        section = text.partition(title)[2].partition("\n## ")[0].partition("\n### ")[0]
        rows = {row[0]: row[1:] for row in (line.strip("| ").split(" | ") for line in section.splitlines())}
        for key in (one for one in fields(options) if one.repr):
            row = rows.get(f"`{key.name}`", [])
            assert len(row) == 3, f"{title}: {key.name} is not documented"
            assert all(cell.strip() for cell in row), f"{title}: {key.name} lacks a type, a default or a docstring"
            can_change = is_reloadable(get_type_hints(options, include_extras=True)[key.name])
            assert row[2].startswith("*Reload.* ") is can_change, f"{title}: {key.name}"


@pytest.mark.parametrize(("page", "module"), [("errors", errors), ("notices", notices)])
def test_each_error_and_each_notice_is_in_the_reference(reference: Path, page: str, module: object) -> None:
    text = (reference / f"{page}.md").read_text()
    own = [
        name for name, one in vars(module).items() if inspect.isclass(one) and one.__module__ == f"partisan_core.{page}"
    ]
    assert own
    assert [name for name in own if f"| `{name}` |" not in text] == []


def test_each_public_method_of_a_node_and_of_a_mailbox_is_in_the_reference(reference: Path) -> None:
    text = (reference / "node.md").read_text()
    public = [name for one in (Node, Messaging, Receipt, Mailbox) for name in vars(one) if not name.startswith("_")]
    assert "open_mailbox" in public
    assert [name for name in public if not re.search(rf"^(async |async with )?{name}[(:]", text, re.MULTILINE)] == []


def test_each_entry_point_group_is_in_the_reference(reference: Path) -> None:
    text = (reference / "entry-points.md").read_text()
    assert [group for group in GROUPS.values() if group not in text] == []


def test_each_generated_page_is_in_the_table_of_contents(reference: Path) -> None:
    contents = (ROOT / "docs" / "reference" / "index.md").read_text()
    assert [page.stem for page in reference.iterdir() if f"generated/{page.stem}" not in contents] == []


def test_each_distribution_is_in_the_list_that_a_reader_looks_at() -> None:
    plugins, root = (ROOT / "plugins" / "README.md").read_text(), (ROOT / "README.md").read_text()
    for one in distributions():
        text = plugins if one.folder.parent.name == "plugins" else root
        assert one.folder.name in text


@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_the_readme_of_a_distribution_says_what_it_is(distribution: object) -> None:
    lines = (ROOT / str(distribution) / "README.md").read_text().splitlines()
    assert lines[0].startswith("# ")
    assert len(" ".join(lines[1:]).split()) >= 20
