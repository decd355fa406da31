"""`use = "package.module:object"`: a plugin on its first day, before it is a distribution."""

from random import Random

import pytest

from partisan_core.errors import PluginError
from partisan_core.identity import NodeSpec
from partisan_core.kinds import NoOptions, SerializerPlugin
from partisan_core.plugins import Plugins
from tests.core.plugins.site import Site

OVERLAY = """
    from dataclasses import dataclass

    class Ring:
        def __init__(self, me, config, rng):
            self.me = me

        def handle(self, event, now):
            return []

    class Star(Ring):
        @dataclass(frozen=True)
        class Config:
            hub: str
"""

RECORD = """
    from partisan_core.kinds import SerializerPlugin

    MINE = SerializerPlugin(make=lambda config: None)
"""

HOOKS = """
    from partisan_core.kinds import SerializerPlugin
    from partisan_core.plugins import hookimpl

    class Hooks:
        @hookimpl
        def partisan_serializer(self):
            return SerializerPlugin(make=lambda config: None)

    class OldHooks(Hooks):
        PARTISAN_API = "0.1"

    mine, old = Hooks(), OldHooks()
"""


def test_a_strategy_class_is_an_overlay(site: Site) -> None:
    site.write("first_day", OVERLAY)
    plugin = Plugins().overlay("first_day:Ring")
    assert plugin.config is NoOptions
    me = NodeSpec("alpha", 1, 1)
    assert plugin.make(me, NoOptions(), Random(0)).handle is not None


def test_a_strategy_class_may_bring_its_configuration(site: Site) -> None:
    site.write("first_day", OVERLAY)
    assert Plugins().overlay("first_day:Star").config.__qualname__ == "Star.Config"


def test_a_record_in_a_module_is_a_plugin(site: Site) -> None:
    site.write("first_day", RECORD)
    assert Plugins().serializer("first_day:MINE").config is NoOptions


def test_an_object_with_hooks_is_a_plugin_and_need_not_state_an_api(site: Site) -> None:
    site.write("first_day", HOOKS)
    assert isinstance(Plugins().serializer("first_day:mine"), SerializerPlugin)


def test_an_api_that_an_object_states_has_to_fit(site: Site) -> None:
    site.write("first_day", HOOKS)
    with pytest.raises(PluginError, match=r"'first_day:old' was written for API 0.1, this core has API 1.3"):
        Plugins().serializer("first_day:old")


def test_a_record_of_another_kind_is_refused(site: Site) -> None:
    site.write("first_day", RECORD)
    with pytest.raises(PluginError, match="has no hook partisan_overlay"):
        Plugins().overlay("first_day:MINE")


@pytest.mark.parametrize(
    ("use", "answer"),
    [
        ("no_such_module:Ring", "No module named 'no_such_module'; is its folder in PYTHONPATH?"),
        (
            "first_day:Rong",
            "module 'first_day' has no attribute 'Rong'; it is broken, or lacks what it needs",
        ),
        ("first_day:", "'first_day:' names no overlay: use an installed name, or package.module:object"),
        (
            "first day:Ring",
            "'first day:Ring' names no overlay: use an installed name, or package.module:object",
        ),
        ("first_day:dataclass", "has no hook partisan_overlay(); see partisan_core.hookspecs for its shape"),
    ],
)
def test_a_wrong_reference_is_answered_with_what_is_wrong(use: str, answer: str, site: Site) -> None:
    site.write("first_day", OVERLAY)
    with pytest.raises(PluginError) as caught:
        Plugins().overlay(use)
    assert str(caught.value).endswith(answer)
