import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.config.problems import key_path
from partisan_core.config.sources import (
    CODE,
    KeyPath,
    Settings,
    parse_variable,
    read_environment,
    read_file,
    read_keywords,
)
from partisan_core.errors import ConfigError

SELECTIONS = {"overlay": "fullmesh"}

keys = st.text("abcdefgh_", min_size=1, max_size=6).filter(lambda key: "__" not in key and key.strip("_") == key)
leaves = st.one_of(st.integers(), st.booleans(), st.text(max_size=5))
trees = st.dictionaries(
    keys,
    st.recursive(leaves, lambda below: st.dictionaries(keys, below, max_size=3), max_leaves=6),
    max_size=4,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("true", True),
        ("1.5", 1.5),
        ('["a:1", "b:1"]', ["a:1", "b:1"]),
        ('{ zone = "eu" }', {"zone": "eu"}),
        ('"4"', "4"),
        ("alpha", "alpha"),
        ("500ms", "500ms"),
        ("127.0.0.1:9090", "127.0.0.1:9090"),
        ("", ""),
        ("2026-01-01", "2026-01-01"),
        ("nan", "nan"),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_a_variable_is_toml_where_that_works_and_text_where_not(text: str, value: object) -> None:
    assert parse_variable(text) == value


@given(st.text())
def test_a_variable_always_means_something(text: str) -> None:
    value = parse_variable(text)
    assert isinstance(value, str | int | float | list | dict)
    assert not isinstance(value, float) or math.isfinite(value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_in_the_environment_is_a_number(number: int) -> None:
    assert parse_variable(str(number)) == number


@given(st.lists(keys, min_size=1, max_size=4), st.integers())
def test_a_variable_sets_the_key_that_it_spells(path: list[str], number: int) -> None:
    name = "PARTISAN__" + "__".join(path).upper()
    settings = read_environment({name: str(number), "PATH": "/bin", "PARTISAN_HOME": "x"})
    assert settings.value(tuple(path)) == number
    assert settings.origins == {tuple(path): f"environment variable {name}"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("NODE__NAME", ("node", "name")),
        ("NODE__DATA_DIR", ("node", "data_dir")),
        ("NODE__LABELS__ZONE", ("node", "labels", "zone")),
        ("OVERLAY__USE", ("overlay", "use")),
        ("CHANNELS__BULK__SERIALIZER", ("channels", "bulk", "serializer")),
    ],
)
@pytest.mark.parametrize("text", ["007", "7", "1e3", "true", "[1]"])
def test_a_key_that_wants_text_takes_what_toml_would_read_as_something_else(
    name: str, path: KeyPath, text: str
) -> None:
    assert read_environment({f"PARTISAN__{name}": text}).value(path) == text
    assert read_environment({f"PARTISAN__{name}": '"7"'}).value(path) == "7", "quotes do no harm"


@pytest.mark.parametrize(
    "name",
    ["NODE", "NODE__STRICT__DEEPER", "LINKS__PING_ATTEMPTS", "OVERLAY__FANOUT", "CHANNELS__B__PARALLELISM"],
)
def test_a_key_that_wants_no_text_or_is_unknown_takes_toml(name: str) -> None:
    assert read_environment({f"PARTISAN__{name}": "7"}).value(tuple(name.lower().split("__"))) == 7


@pytest.mark.parametrize("name", ["PARTISAN__", "PARTISAN____NAME", "PARTISAN__NODE__"])
def test_a_variable_with_an_empty_part_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=f"environment variable {name}: write PARTISAN__SECTION__KEY"):
        read_environment({name: "1"})


@given(trees)
def test_what_keywords_say_is_what_settings_hold(tree: dict[str, object]) -> None:
    settings = read_keywords(tree)
    assert settings.values == tree
    assert all(settings.value(path) == _at(tree, path) for path in settings.origins)


@given(trees, trees)
def test_the_upper_source_wins_and_the_lower_one_shows_elsewhere(
    lower: dict[str, object], upper: dict[str, object]
) -> None:
    settings, above, below = Settings(), read_keywords(upper), read_keywords(lower)
    settings.lay(below, SELECTIONS)
    settings.lay(above, SELECTIONS)
    for path in above.origins:
        assert settings.value(path) == above.value(path) or above.value(path) == {}
    for path in settings.origins:
        assert settings.value(path) in (above.value(path), below.value(path))


@given(trees, trees)
def test_laying_never_changes_the_source_that_was_laid(lower: dict[str, object], upper: dict[str, object]) -> None:
    settings, below = Settings(), read_keywords(lower)
    before = repr(below.values)
    settings.lay(below, SELECTIONS)
    settings.lay(read_keywords(upper), SELECTIONS)
    assert repr(below.values) == before


def test_a_dotted_keyword_is_a_single_value() -> None:
    settings = read_keywords({"channels.bulk.parallelism": 4, "node": {"labels": {"a.b": "c"}}})
    assert settings.values == {"channels": {"bulk": {"parallelism": 4}}, "node": {"labels": {"a.b": "c"}}}


def test_another_plugin_does_not_inherit_the_options_of_the_former_one() -> None:
    settings = Settings()
    settings.lay(read_keywords({"overlay": {"use": "hyparview", "active_max": 5}}), SELECTIONS)
    settings.lay(read_keywords({"overlay": {"use": "ring", "peers": []}}), SELECTIONS)
    assert settings.values == {"overlay": {"use": "ring", "peers": []}}


def test_naming_the_same_plugin_again_keeps_its_options() -> None:
    settings = Settings()
    settings.lay(read_keywords({"overlay": {"fanout": 5}}), SELECTIONS)
    settings.lay(read_keywords({"overlay": {"use": "fullmesh"}}), SELECTIONS)
    assert settings.values == {"overlay": {"use": "fullmesh", "fanout": 5}}


def test_the_origin_of_a_place_in_a_list_is_that_of_the_list() -> None:
    settings = read_keywords({"node.listen": ["a:1"]})
    assert settings.origin(("node", "listen", 0)) == settings.origin(("node",)) == "keyword"


@given(st.lists(st.one_of(st.text(max_size=4), st.integers(0, 9)), min_size=1, max_size=3).map(tuple))
def test_two_paths_are_never_written_alike(path: KeyPath) -> None:
    other = tuple("x" + step if isinstance(step, str) else step + 1 for step in path)
    assert key_path(path) != key_path(other)


def test_a_key_that_is_no_bare_key_is_quoted() -> None:
    assert key_path(("node", "labels", "a.b", 3)) == 'node.labels."a.b"[3]'


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"alpha.toml: no such file; without a file the defaults are used"):
        read_file(tmp_path / "alpha.toml")


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the file cannot be read: Is a directory"):
        read_file(tmp_path)


def test_a_file_that_is_no_toml_is_named_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "alpha.toml"
    path.write_text("[node]\nname alpha\n")
    with pytest.raises(ConfigError, match=r"alpha.toml: not TOML: .*\(at line 2, column 6\)"):
        read_file(path)


def test_a_file_in_another_encoding_is_named_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "alpha.toml"
    path.write_bytes(b'[node]\nname = "\xff"\n')
    with pytest.raises(ConfigError, match=r"alpha.toml: not UTF-8 text: invalid start byte at byte 15"):
        read_file(path)


def _at(tree: object, path: KeyPath) -> object:
    for step in path:
        assert isinstance(tree, dict)
        tree = tree[step]
    return tree


def test_a_key_that_is_missing_is_looked_for_where_the_table_around_it_was_written() -> None:
    settings = Settings()
    settings.put(("node", "name"), "alpha", "elsewhere")
    settings.put(("faults", "rules", "slow", "action"), "delay", "alpha.toml")
    assert settings.origin(("faults", "rules", "slow", "time")) == "alpha.toml"
    assert settings.origin(("overlay", "use")) == CODE
