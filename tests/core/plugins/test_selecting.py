"""A plugin that cannot be loaded is told with the place that asked for it."""

from pathlib import Path

import pytest

from partisan_core.config.loader import load_config
from partisan_core.errors import PluginError
from partisan_core.kernel.selecting import select_checksums
from partisan_core.opening import open_node
from partisan_core.plugins import Plugins
from tests.core.plugins.site import Site

CHECKSUM = """
    from hashlib import sha256

    from partisan_core.kinds import ChecksumPlugin
    from partisan_core.plugins import hookimpl

    PARTISAN_API = "1.3"

    @hookimpl
    def partisan_checksum():
        return ChecksumPlugin(new={new})
"""


async def test_an_unknown_overlay_names_the_file_and_the_key_that_ask_for_it(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[overlay]\nuse = "fulmesh"\n')
    with pytest.raises(PluginError) as raised:
        async with open_node(load_config(file, environ={})):
            pass
    assert str(file) in str(raised.value)
    assert "overlay.use" in str(raised.value)
    assert "fulmesh" in str(raised.value)


async def test_an_unknown_policy_names_its_channel() -> None:
    parts = "tests.core.kernel.parts"
    sections = {"serializer": {"use": f"{parts}:plain"}, "overlay": {"use": f"{parts}:Acquaintances"}}
    config = load_config(environ={}, overrides={**sections, "channels": {"bulk": {"policy": "dropnewest"}}})
    with pytest.raises(PluginError, match=r"channels\.bulk\.policy.*dropnewest.*drop_newest"):
        async with open_node(config):
            pass


def checksums(pinned: str | None = None) -> list[str]:
    links = {} if pinned is None else {"checksum": pinned}
    return list(select_checksums(load_config(environ={}, overrides={"links": links}), Plugins()))


def test_all_installed_checksums_are_offered_or_the_one_that_is_named(site: Site) -> None:
    before = checksums()
    site.install("acme-sums", "1", {"checksums:mine": "acme_sums"}, acme_sums=CHECKSUM.format(new="sha256"))
    assert checksums() == sorted([*before, "mine"])
    assert checksums("mine") == ["mine"]


def test_with_crc32_by_name_none_is_offered_and_none_is_imported(site: Site) -> None:
    site.install("acme-sums", "1", {"checksums:mine": "acme_sums"}, acme_sums="raise SystemExit(3)")
    assert checksums("crc32") == []


def test_a_checksum_that_is_not_installed_is_named_with_the_key_that_asks_for_it() -> None:
    with pytest.raises(PluginError, match=r"keyword: links\.checksum: the checksum 'xxh4' is not installed"):
        checksums("xxh4")


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("lambda data: 7", r"its name or first digest raised AttributeError"),
        ("lambda data: 1 / 0", r"its name or first digest raised ZeroDivisionError"),
        ("lambda data: __import__('hashlib').shake_128(data)", r"its name or first digest raised TypeError"),
        ("lambda data: __import__('hashlib').blake2b(data, digest_size=3)", r"digests of 3 bytes, at least 4"),
    ],
)
def test_what_makes_no_checksums_stops_the_start_by_name(site: Site, new: str, said: str) -> None:
    site.install("acme-sums", "1", {"checksums:mine": "acme_sums"}, acme_sums=CHECKSUM.format(new=new))
    with pytest.raises(PluginError, match=rf"default: links\.checksum: the checksum 'mine'.*{said}"):
        checksums()


def test_a_name_that_no_peer_would_take_stops_the_start(site: Site) -> None:
    site.install("acme-sums", "1", {"checksums:mi ne": "acme_sums"}, acme_sums=CHECKSUM.format(new="sha256"))
    with pytest.raises(PluginError, match=r"'mi ne'.*is not a name"):
        checksums()
