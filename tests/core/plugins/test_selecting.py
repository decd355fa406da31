"""A plugin that cannot be loaded is told with the place that asked for it."""

from pathlib import Path

import pytest

from partisan_core.config.loader import load_config
from partisan_core.errors import PluginError
from partisan_core.opening import open_node


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
