from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from partisan_core.config import ChannelConfig, Config, LinkConfig, NodeConfig, Selection, load_config
from partisan_core.errors import ConfigError
from partisan_core.identity import Address


def write(folder: Path, text: str) -> Path:
    path = folder / "alpha.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_source_gives_the_defaults() -> None:
    assert load_config(environ={}) == Config()


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, ""), environ={}) == Config()


def test_the_process_environment_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTISAN__NODE__NAME", "beta")
    assert load_config().node.name == "beta"


def test_keywords_win_over_the_environment_and_it_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[links]\nlinger = "1s"\ndial_timeout = "1s"\nping_interval = "1s"')
    environ = {"PARTISAN__LINKS__DIAL_TIMEOUT": "2s", "PARTISAN__LINKS__PING_INTERVAL": "2s"}
    links = load_config(path, environ=environ, overrides={"links": {"ping_interval": "3s"}}).links
    assert (links.linger, links.dial_timeout, links.ping_interval) == (1.0, 2.0, 3.0)


def test_every_section_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [node]
        name = "alpha"
        listen = ["127.0.0.1:9090", "[::1]:9090"]
        advertise = ["alpha.example:9090"]
        cluster = "shop"
        labels = { zone = "eu-1" }
        [overlay]
        use = "hyparview"
        active_max = 5
        [channels.bulk]
        parallelism = 4
        serializer = "json"
        queue_bytes = "64KiB"
        [links]
        reconnect_grace = 0
        [mailboxes]
        messages = 7
        [limits]
        message = "1MiB"
        """,
    )
    config = load_config(path, environ={})
    assert config.node == NodeConfig(
        name="alpha",
        listen=(Address("127.0.0.1", 9090), Address("::1", 9090)),
        advertise=(Address("alpha.example", 9090),),
        cluster="shop",
        labels={"zone": "eu-1"},
    )
    assert config.overlay == Selection(use="hyparview", options={"active_max": 5})
    assert config.channels["bulk"] == ChannelConfig(parallelism=4, serializer="json", queue_bytes=65536)
    assert config.links.reconnect_grace == 0.0
    assert config.mailboxes.messages == 7
    assert config.limits.message == 1024**2


def test_a_relative_path_in_a_file_is_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[node]\ndata_dir = "var/alpha"')
    assert load_config(path, environ={}).node.data_dir == tmp_path / "var" / "alpha"


def test_an_absolute_path_in_a_file_stays(tmp_path: Path) -> None:
    path = write(tmp_path, '[node]\ndata_dir = "/var/alpha"')
    assert load_config(path, environ={}).node.data_dir == Path("/var/alpha")


def test_a_path_from_elsewhere_is_relative_to_the_process() -> None:
    assert load_config(environ={"PARTISAN__NODE__DATA_DIR": "var"}).node.data_dir == Path("var")
    assert load_config(environ={}, overrides={"node": {"data_dir": Path("var")}}).node.data_dir == Path("var")


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert load_config(write(tmp_path, '[node]\ndata_dir = "~/a"'), environ={}).node.data_dir == Path("/home/ann/a")


def test_keywords_may_be_values_that_code_already_has() -> None:
    config = load_config(environ={}, overrides={"node.listen": (Address("127.0.0.1", 1),)})
    assert config.node.listen == (Address("127.0.0.1", 1),)


def test_options_without_use_belong_to_the_default_plugin() -> None:
    assert load_config(environ={}, overrides={"overlay.fanout": 2}).overlay == Selection(
        use="fullmesh", options={"fanout": 2}
    )


def test_every_value_that_was_said_has_its_origin(tmp_path: Path) -> None:
    path = write(tmp_path, '[node]\nname = "alpha"\n[channels.bulk]\n[overlay]\nfanout = 2')
    config = load_config(path, environ={"PARTISAN__LINKS__LINGER": "1s"}, overrides={"node.cluster": "shop"})
    assert config.origins == {
        "node.name": str(path),
        "channels.bulk": str(path),
        "overlay.fanout": str(path),
        "links.linger": "environment variable PARTISAN__LINKS__LINGER",
        "node.cluster": "keyword",
    }
    assert config.overlay.origins == config.origins


def test_the_channels_default_and_membership_always_exist() -> None:
    for config in (Config(), load_config(environ={}, overrides={"channels": {"bulk": {}}})):
        assert config.channels["default"] == config.channels["membership"] == ChannelConfig()


def test_a_configuration_is_frozen() -> None:
    for section in fields(Config):
        part = getattr(Config(), section.name)
        if not isinstance(part, dict):
            with pytest.raises(FrozenInstanceError):
                setattr(part, fields(part)[0].name, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ChannelConfig(parallelism=0),
            r"ChannelConfig\(parallelism=0\): expected a whole number from 1 to 64",
        ),
        (
            lambda: LinkConfig(dial_timeout=0.0),
            r"LinkConfig\(dial_timeout=0.0\): expected a duration from 1ms",
        ),
        (lambda: LinkConfig(redial_first=20.0), "expected at most redial_limit, which is 10s"),
        (lambda: Config(channels={f"c{number}": ChannelConfig() for number in range(63)}), "at most 64 channels"),
        (lambda: Config(channels={name * 128: ChannelConfig() for name in "abcdefgh"}), "together 1024 characters"),
        (lambda: NodeConfig(cluster="a b"), r"NodeConfig\(cluster='a b'\): expected a name"),
        (lambda: NodeConfig(listen=(Address("::", 0),)), "expected an address that others can dial"),
        (
            lambda: Config(channels={"membership": ChannelConfig(parallelism=2)}),
            "the core keeps this channel",
        ),
    ],
)
def test_a_configuration_made_in_code_obeys_the_same_bounds(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError, match=message):
        make()
