"""What a missing, doubtful or broken plugin is answered with: which one, of whom, and how to mend it."""

import pytest

from partisan_core.errors import PluginError
from partisan_core.kinds import SerializerPlugin
from partisan_core.plugins import PUBLISHED, Plugins
from tests.core.plugins.site import SERIALIZER, Site


def refusal(use: str) -> str:
    with pytest.raises(PluginError) as caught:
        Plugins().serializer(use)
    return str(caught.value)


def test_a_good_plugin_is_loaded(site: Site) -> None:
    site.install_serializer()
    plugins = Plugins()
    assert isinstance(plugins.serializer("mine"), SerializerPlugin)
    assert isinstance(plugins.serializer("mine"), SerializerPlugin)


def test_a_misspelt_name_is_answered_with_the_nearest_and_all_installed_ones(site: Site) -> None:
    site.install_serializer()
    site.install("acme-json", "1", {"serializers:json": "acme_json", "overlays:mime": "acme_json"})
    answer = refusal("mime")
    assert answer.startswith("the serializer 'mime' is not installed (did you mean 'mine'?); installed: ")
    assert {"json", "mine"} <= set(answer.rpartition(": ")[2].split(", "))
    assert "pip" not in answer


def test_a_published_plugin_that_is_not_installed_is_answered_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PUBLISHED, ("serializer", "mine"), "partisan-codec-mine")
    assert refusal("mine").endswith("; to get it: pip install partisan-codec-mine")
    misspelt = refusal("mime")
    assert "(did you mean 'mine'?)" in misspelt
    assert misspelt.endswith("; to get it: pip install partisan-codec-mine")


def test_a_name_of_another_kind_is_not_installed() -> None:
    assert refusal("drop_oldest").startswith("the serializer 'drop_oldest' is not installed")


def test_two_distributions_that_claim_one_name_are_both_named(site: Site) -> None:
    site.install_serializer()
    site.install("acme-other", "3.4", {"serializers:mine": "acme_other"})
    assert refusal("mine") == (
        "the serializer 'mine' is claimed by acme-mine 1.2 (acme_mine) and acme-other 3.4 (acme_other); "
        "uninstall one of them"
    )


@pytest.mark.parametrize(
    ("api", "mend"),
    [
        ("2.0", "the core is too old: pip install --upgrade partisan-core"),
        ("1.4", "the core is too old: pip install --upgrade partisan-core"),
        ("0.9", "the plugin is too old: pip install --upgrade acme-mine"),
    ],
)
def test_a_plugin_for_another_api_is_refused_with_both_sides(api: str, mend: str, site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("1.0", api))
    assert refusal("mine") == (
        f"the serializer 'mine' of acme-mine 1.2 was written for API {api}, this core has API 1.3; {mend}"
    )


def test_a_plugin_that_states_no_api_is_refused_with_the_line_to_add(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace('PARTISAN_API = "1.0"', ""))
    assert refusal("mine") == (
        "the serializer 'mine' of acme-mine 1.2 does not state its API; its author has to add PARTISAN_API = \"1.3\""
    )


@pytest.mark.parametrize("api", ["1.0", "1.1", "1.2", "1.3"])
def test_a_plugin_for_this_api_or_an_earlier_one_of_its_major_is_loaded(api: str, site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("1.0", api))
    assert isinstance(Plugins().serializer("mine"), SerializerPlugin)


@pytest.mark.parametrize("api", ['"1"', "1.0", '"newest"', '"1.0.0"'])
def test_an_api_that_is_no_version_is_refused(api: str, site: Site) -> None:
    site.install_serializer(SERIALIZER.replace('"1.0"', api))
    assert refusal("mine").endswith("which is no version like '1.3'")


def test_a_plugin_that_raises_at_import_is_named_and_the_cause_is_kept(site: Site) -> None:
    site.install_serializer("import no_such_module_anywhere")
    with pytest.raises(PluginError) as caught:
        Plugins().serializer("mine")
    assert str(caught.value) == (
        "the serializer 'mine' of acme-mine 1.2 cannot be imported from acme_mine: "
        "ModuleNotFoundError: No module named 'no_such_module_anywhere'; it is broken, or lacks what it needs"
    )
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("statement", "cause"), [("raise SystemExit(3)", "SystemExit: 3"), ("raise BaseException('x')", "BaseException: x")]
)
def test_a_plugin_that_ends_the_program_at_import_is_only_a_broken_plugin(
    statement: str, cause: str, site: Site
) -> None:
    site.install_serializer(statement)
    assert f"cannot be imported from acme_mine: {cause}; it is broken" in refusal("mine")


def test_a_hook_that_ends_the_program_is_only_a_broken_hook(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("return", "raise SystemExit(3)\n        return"))
    assert refusal("mine").endswith("its hook partisan_serializer() raised SystemExit: 3")


def test_ctrl_c_during_an_import_is_no_fault_of_the_plugin(site: Site) -> None:
    site.install_serializer("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Plugins().serializer("mine")


def test_a_broken_plugin_that_nobody_names_stops_nobody(site: Site) -> None:
    site.install_serializer()
    site.install("acme-broken", "1", {"serializers:broken": "acme_broken"}, acme_broken="1 / 0")
    assert isinstance(Plugins().serializer("mine"), SerializerPlugin)


def test_a_plugin_can_be_loaded_after_a_broken_one_was_refused(site: Site) -> None:
    site.install_serializer()
    misspelt = SERIALIZER.replace("partisan_serializer", "partisan_serialiser")
    site.install("acme-broken", "1", {"serializers:broken": "acme_broken"}, acme_broken=misspelt)
    plugins = Plugins()
    with pytest.raises(PluginError):
        plugins.serializer("broken")
    assert isinstance(plugins.serializer("mine"), SerializerPlugin)
    with pytest.raises(PluginError, match="did you mean 'partisan_serializer'"):
        plugins.serializer("broken")


def test_a_misspelt_hook_is_answered_with_the_nearest_one(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("partisan_serializer", "partisan_serialiser"))
    answer = refusal("mine")
    assert answer.startswith(
        "the serializer 'mine' of acme-mine 1.2 has a wrong hook: unknown hook 'partisan_serialiser'"
    )
    assert answer.endswith("(did you mean 'partisan_serializer'?)")


def test_a_hook_that_asks_for_what_is_not_offered_is_refused(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("partisan_serializer()", "partisan_serializer(node)"))
    answer = refusal("mine")
    assert answer.startswith("the serializer 'mine' of acme-mine 1.2 has a wrong hook")
    assert "node" in answer


def test_a_hook_without_its_mark_is_told_from_a_missing_one(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("@hookimpl", ""))
    site.install("acme-empty", "1", {"serializers:empty": "acme_empty"}, acme_empty='PARTISAN_API = "1.0"')
    shape = "hook partisan_serializer(); see partisan_core.hookspecs for its shape"
    assert refusal("mine") == f"the serializer 'mine' of acme-mine 1.2 lacks the mark @hookimpl on its {shape}"
    assert refusal("empty") == f"the serializer 'empty' of acme-empty 1 has no {shape}"


def test_a_hook_that_raises_is_named_and_the_cause_is_kept(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("return", "raise KeyError('x')\n        return"))
    with pytest.raises(PluginError, match=r"its hook partisan_serializer\(\) raised KeyError: 'x'") as caught:
        Plugins().serializer("mine")
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_hook_that_returns_something_else_is_refused(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("return SerializerPlugin(make=lambda config: None)", "return 'codec'"))
    assert refusal("mine").endswith("its hook partisan_serializer() returned 'codec', not a SerializerPlugin")


def test_a_configuration_class_that_is_none_is_refused(site: Site) -> None:
    site.install_serializer(SERIALIZER.replace("config: None", "config: None, config=dict"))
    assert refusal("mine").endswith("its config <class 'dict'> is no dataclass, as a configuration class has to be")


def test_a_configuration_that_is_made_already_is_refused(site: Site) -> None:
    made = SERIALIZER.replace("config: None", "config: None, config=NoOptions()")
    site.install_serializer(made.replace("import SerializerPlugin", "import NoOptions, SerializerPlugin"))
    assert refusal("mine").endswith("its config NoOptions() is no dataclass, as a configuration class has to be")
