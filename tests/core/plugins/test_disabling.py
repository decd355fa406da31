"""`PARTISAN_DISABLE_PLUGINS`: what an operator takes away without uninstalling it."""

import pytest

from partisan_core.errors import PluginError
from partisan_core.installed import DISABLE_VARIABLE, Installed
from partisan_core.kinds import SerializerPlugin
from partisan_core.plugins import GROUPS, Plugins
from tests.core.plugins.site import Site


@pytest.mark.parametrize("words", ["mine", "serializer:mine", " other , serializer:mine ,"])
def test_a_disabled_plugin_is_answered_with_the_variable_that_disables_it(
    words: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install_serializer()
    site.install("acme-json", "1", {"serializers:json": "acme_json"})
    monkeypatch.setenv(DISABLE_VARIABLE, words)
    with pytest.raises(PluginError) as caught:
        Plugins().serializer("mine")
    said = str(caught.value)
    assert said.startswith("the serializer 'mine' is disabled by the environment variable PARTISAN_DISABLE_PLUGINS; ")
    assert "installed: cattrs, json, msgpack" in said
    assert "pip" not in said


@pytest.mark.parametrize("words", ["", "transport:mine", "min", "mine2"])
def test_a_plugin_that_is_not_named_stays(words: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install_serializer()
    monkeypatch.setenv(DISABLE_VARIABLE, words)
    assert isinstance(Plugins().serializer("mine"), SerializerPlugin)


def test_a_disabled_plugin_is_no_nearest_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install_serializer()
    monkeypatch.setenv(DISABLE_VARIABLE, "mine")
    with pytest.raises(PluginError) as caught:
        Plugins().serializer("mime")
    assert "mine" not in str(caught.value)


def test_a_disabled_plugin_is_listed_as_such(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install_serializer()
    monkeypatch.setenv(DISABLE_VARIABLE, "mine")
    assert [info.name for info in Plugins().listing() if info.disabled] == ["mine"]


def test_words_that_name_nothing_are_known(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install_serializer()
    monkeypatch.setenv(DISABLE_VARIABLE, "mine,serializer:mine,overlay:mine,mime")
    assert Installed(GROUPS).unmatched() == ["mime", "overlay:mine"]
