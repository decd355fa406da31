"""The plugin: what a node finds behind `[serializer] use = "json"`."""

from partisan_codec_json import JsonSerializer
from partisan_core.kinds import NoOptions
from partisan_core.plugins import Plugins


def test_a_configuration_that_names_json_gets_the_serializer() -> None:
    plugin = Plugins().serializer("json")
    assert plugin.config is NoOptions
    assert isinstance(plugin.make(NoOptions()), JsonSerializer)
