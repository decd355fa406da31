"""The check of a configuration: every problem at once, those of plugins and their tables included."""

from pathlib import Path

from partisan_cli.checking import check_configuration
from tests.core.kernel.nodes import PARTS
from tests.core.plugins.site import Site

EXTENSION = """
    from dataclasses import dataclass

    from partisan_core.kinds import ExtensionPlugin
    from partisan_core.plugins import hookimpl

    PARTISAN_API = "1.1"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        label: str = "none"

    def observe(options):
        raise SystemExit("a check makes no observer")

    @hookimpl
    def partisan_extension():
        return ExtensionPlugin(observe=observe, config=Options)
"""

INSTALLED = "causal, control, faults, notebook"


def test_a_check_looks_into_the_tables_of_extensions(site: Site, tmp_path: Path) -> None:
    site.install("acme-notebook", "1.2", {"extensions:notebook": "acme_notebook"}, acme_notebook=EXTENSION)
    file = tmp_path / "node.toml"
    file.write_text('[extensions]\nenable = ["notebook", "gone", 3]\n[extensions.notebook]\nlable = "x"\n')
    assert check_configuration(file) == [
        f"{file}: extensions.enable[2] = 3: expected text in quotes, for example \"text\"",
        f"{file}: extensions.notebook.lable = \"x\": unknown key (did you mean 'label'?)",
        f"{file}: extensions.enable: the extension 'gone' is not installed; installed: " + INSTALLED,
    ]  # fmt: skip
    file.write_text('[extensions]\nenable = ["notebook"]\n[extensions.notebook]\nlabel = "x"\n')
    assert check_configuration(file) == []


def test_a_check_finds_a_checksum_that_cannot_be_had(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[links]\nchecksum = "xxh4"\n')
    (problem,) = check_configuration(file)
    assert problem.startswith(f"{file}: links.checksum: the checksum 'xxh4' is not installed")
    site.install("acme-sums", "1", {"checksums:mine": "acme_sums"}, acme_sums="raise SystemExit(3)")
    (problem,) = check_configuration()
    assert problem.startswith("default: links.checksum: the checksum 'mine' of acme-sums 1 cannot be imported")
    file.write_text('[links]\nchecksum = "crc32"\n')
    assert check_configuration(file) == []


def test_a_check_tells_what_the_overlay_lacks_and_what_cannot_be_loaded_once() -> None:
    lacking: dict[str, object] = {"node": {"requires": ["causal"]}, "overlay": {"use": f"{PARTS}:Acquaintances"}}
    assert [line for line in check_configuration(overrides=lacking) if "lacks 'causal'" in line]
    unknown: dict[str, object] = {"node": {"requires": ["causal"]}, "overlay": {"use": "nothing-like-it"}}
    assert len([line for line in check_configuration(overrides=unknown) if "nothing-like-it" in line]) == 1


def test_a_check_looks_into_the_compressions_of_channels() -> None:
    wrong: dict[str, object] = {
        "channels": {"a": {"compression": "zslib"}, "b": {"compression": {"use": "zlib", "minimun": "1KiB"}}}
    }
    missing = "keyword: channels.a.compression: the compression 'zslib' is not installed"
    assert check_configuration(overrides=wrong) == [
        f"{missing} (did you mean 'zlib'?); installed: zlib, zstd",
        "keyword: channels.b.compression.minimun = \"1KiB\": unknown key (did you mean 'minimum'?)",
    ]
