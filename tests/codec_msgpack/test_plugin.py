"""The plugin: what a node finds behind `[serializer] use = "msgpack"`."""

from partisan_codec_msgpack import MsgpackSerializer
from partisan_core.kinds import NoOptions
from partisan_core.plugins import Plugins


def test_a_configuration_that_names_msgpack_gets_the_serializer() -> None:
    plugin = Plugins().serializer("msgpack")
    assert plugin.config is NoOptions
    assert isinstance(plugin.make(NoOptions()), MsgpackSerializer)
