"""The plugin: what a node finds behind `compression = "zstd"`. What it does with bytes: tests/wire/test_packing.py."""

from random import Random

import pytest

from partisan_compression_zstd import Zstd, ZstdOptions
from partisan_core.errors import ConfigError
from partisan_core.plugins import Plugins


def test_a_channel_that_names_zstd_gets_the_compression() -> None:
    plugin = Plugins().compression("zstd")
    assert plugin.config is ZstdOptions
    assert isinstance(plugin.make(ZstdOptions()), Zstd)


@pytest.mark.parametrize("level", [0, 20])
def test_a_level_out_of_bounds_is_a_configuration_error(level: int) -> None:
    with pytest.raises(ConfigError, match="from 1 to 19"):
        ZstdOptions(level=level)


def test_a_frame_that_wants_a_larger_window_than_was_allowed_is_refused() -> None:
    whole = Zstd(ZstdOptions()).compress(bytes(range(256)) * 40_000)  # a window of its own size, 10 MB
    with pytest.raises(Exception, match="requires too much memory"):
        Zstd(ZstdOptions()).decompress(memoryview(whole), 1000)


def test_a_higher_level_makes_no_more_of_it() -> None:
    text = " ".join(str(Random(number).randrange(100)) for number in range(5000)).encode()
    sizes = [len(Zstd(ZstdOptions(level=level)).compress(text)) for level in (1, 19)]
    assert sizes[1] < sizes[0] < len(text)
