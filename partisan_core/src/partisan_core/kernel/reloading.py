"""A running node takes another configuration over: all of it, or nothing (decision 0032).

Everything that can fail is done before anything is changed, and nothing waits in between.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from partisan_core.config.changes import Difference, compare
from partisan_core.config.model import Config
from partisan_core.config.problems import key_path, show
from partisan_core.errors import PartisanError, PluginError, RestartNeeded
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.log_levels import set_levels
from partisan_core.kernel.selecting import Configurable, checked_channels, select
from partisan_core.plugins import Plugins, blaming
from partisan_core.views import Change


def take_over(kernel: Kernel, config: Config) -> tuple[Change, ...]:
    """Let `config` take the place of the node's own; returns what is different now.

    Raises:
        RestartNeeded: something differs that a running node cannot change; nothing was changed.
        ConfigError, PluginError: a part is wrong or cannot be loaded; nothing was changed.
    """
    before = kernel.config
    if "node.name" not in before.origins:  # the node, or who opened it, has made one up
        config = replace(config, node=replace(config.node, name=config.node.name or before.node.name))
    differences = list(_differences(kernel, config))
    lasting = [one for one in differences if not (one.is_reloadable or _is_new_channel(one))]
    if lasting:
        raise _restart_needed(lasting, before, config)
    added = {one.path[1]: _make_channel(kernel, config, one.path[1]) for one in differences if _is_new_channel(one)}
    channels = checked_channels(config, kernel.channels | added)
    if any(one.path[0] == "overlay" for one in differences):
        _reload_overlay(kernel, config)
    kernel.config = config
    set_levels(before.logging.levels, config.logging.levels)
    kernel.channels.update(channels)
    for name, channel in kernel.channels.items():
        channel.settings = config.channels[name]
    for peer in kernel.peers.table.values():
        peer.resize_lanes()
    kernel.remotes.resize_lanes()
    if added:
        kernel.peers.announcing.announce()
    return tuple(map(_change, differences))


def _differences(kernel: Kernel, config: Config) -> Iterator[Difference]:
    before, loaders = kernel.config, _loaders(kernel.plugins)
    yield from (one for one in compare(before, config) if one.path[0] not in loaders)
    for section, load in loaders.items():
        if getattr(before, section) != getattr(config, section):
            yield from _of_plugin(kernel, config, section, load)


def _loaders(plugins: Plugins) -> Mapping[str, Callable[[str], Configurable]]:
    return {
        "overlay": plugins.overlay,
        "serializer": plugins.serializer,
        "failure_detector": plugins.failure_detector,
        "transport": plugins.transport,
    }


def _of_plugin(
    kernel: Kernel, config: Config, section: str, load: Callable[[str], Configurable]
) -> Iterator[Difference]:
    """Options are compared as the plugin sees them: a default that is written out is no difference."""
    held, used = getattr(kernel.config, section).use, getattr(config, section).use
    _, options = select(config, section, load)  # one that is wrong is told as such, whatever else differs
    if used != held:
        yield Difference((section, "use"), held, used, is_reloadable=False)
        return
    takes = section == "overlay" and hasattr(kernel.strategy, "reload")
    for one in compare(select(kernel.config, section, load)[1], options, (section,)):
        yield one._replace(is_reloadable=one.is_reloadable and takes)


def _is_new_channel(one: Difference) -> bool:
    return one.path[0] == "channels" and len(one.path) == 2 and one.before is None


def _make_channel(kernel: Kernel, config: Config, name: str) -> Channel:
    try:
        return kernel.channel_maker.make(config, name)
    except PartisanError:
        raise
    except Exception as error:  # policies and serializers are strangers'
        raise PluginError(f"channel {name!r} cannot be made: {type(error).__name__}: {error}") from error


def _reload_overlay(kernel: Kernel, config: Config) -> None:
    """Hand the options over, to this life and those that `Kernel.renew` begins."""
    _, options = select(config, "overlay", kernel.plugins.overlay)
    reload: Callable[[object], None] = getattr(kernel.strategy, "reload")  # noqa: B009 - see `MembershipStrategy`
    with blaming(f"the overlay {config.overlay.use!r}", "its reload()"):
        reload(options)
    kernel.overlay_options = options


def _restart_needed(lasting: list[Difference], before: Config, config: Config) -> RestartNeeded:
    lines = [_line(one, before, config) for one in lasting]
    if len(lines) == 1:
        return RestartNeeded(f"{lines[0]}. Nothing was changed")
    return RestartNeeded("\n  ".join([f"{len(lines)} keys need a restart; nothing was changed:", *lines]))


def _line(one: Difference, before: Config, config: Config) -> str:
    values = f"{_shown(one.before)} is in use, {_shown(one.after)} is asked for"
    return f"{_origin(one, before, config)}: {key_path(one.path)} needs a restart: {values}"


def _origin(one: Difference, before: Config, config: Config) -> str:
    """Who says it, or what is around it; of what is said no longer, who said it."""
    keys = [key_path(one.path[:length]) for length in range(len(one.path), 0, -1)]
    origins = {**before.origins, **config.origins}
    return next((origins[key] for key in keys if key in origins), "configuration")


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return show(value) if isinstance(value, str | int | float | list) else show(str(value))


def _change(one: Difference) -> Change:
    if _is_new_channel(one):
        return Change(key_path(one.path), None, "new")
    return Change(key_path(one.path), _plain(one.before), _plain(one.after))


def _plain(value: object) -> str | int | float | None:
    return value if isinstance(value, str | int | float | None) else show(value)
