"""The typed door to plugins: the only module that knows pluggy.

What is installed is metadata (see `installed`); only what a configuration names is ever imported.
pluggy keeps one namespace for all groups, so that a serializer `json` and a discovery `json` would collide in
silence; here everything is registered as `kind:name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import pluggy

from partisan_core import hookspecs, kinds
from partisan_core.errors import PluginError
from partisan_core.installed import DISABLE_VARIABLE, Installed, PluginInfo, is_disabled, origin
from partisan_core.spelling import did_you_mean, nearest
from partisan_core.strategy import MembershipStrategy

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

API_VERSION = (1, 3)
"""What this core offers. A plugin is accepted when its major is the same and its minor not above.

1.1 added extensions: a kind that was not there, so nothing that 1.0 promised has changed. 1.2 added what an overlay may
say and need not: `OverlayPlugin.unconnected`, the event `Reserve`, the effect `Decline`, the counter `ignored`. 1.3
added channel policies with options (`ChannelPolicyPlugin.make`), and such as keep a lane's queue (`StatePolicy`); of a
transport `TransportPlugin.secure`, `names` of a wire, the error `PeerUncertified`; `Unreadable` messages; checksums and
compressions, kinds that were not there; of an overlay options that change while it runs (`RELOADABLE`, `reload`);
extensions that stand between a node and its wires (`ExtensionPlugin.interpose`); and of failure detectors that they
converse (`messages`, `Started`, `Send`, `Received`, `PeerUp.converses`).
"""

GROUPS = {
    "transport": "partisan.transports",
    "checksum": "partisan.checksums",
    "serializer": "partisan.serializers",
    "channel_policy": "partisan.channel_policies",
    "compression": "partisan.compressions",
    "failure_detector": "partisan.failure_detectors",
    "overlay": "partisan.overlays",
    "extension": "partisan.extensions",
}
"""The entry-point group of each kind. The hook of a kind is called `partisan_` and the kind."""

PUBLISHED = {
    ("overlay", "fullmesh"): "partisan-fullmesh",
    ("overlay", "hyparview"): "partisan-hyparview",
    ("overlay", "static"): "partisan-static",
    ("overlay", "clientserver"): "partisan-clientserver",
    ("overlay", "scamp_v1"): "partisan-overlay-scamp",
    ("overlay", "scamp_v2"): "partisan-overlay-scamp",
    ("serializer", "cattrs"): "partisan-codec-cattrs",
    ("serializer", "json"): "partisan-codec-json",
    ("serializer", "msgpack"): "partisan-codec-msgpack",
    ("channel_policy", "monotonic"): "partisan-policy-monotonic",
    ("failure_detector", "phi"): "partisan-detector-phi",
    ("failure_detector", "swim"): "partisan-detector-swim",
    ("compression", "zstd"): "partisan-compression-zstd",
    ("transport", "tls"): "partisan-transport-tls",
    ("transport", "virtual"): "partisan-testkit",
    ("checksum", "xxh3"): "partisan-checksum-xxh3",
    ("extension", "causal"): "partisan-causal",
    ("extension", "control"): "partisan-control",
    ("extension", "faults"): "partisan-faults",
}
"""The distributions of this project by what they bring, so that an error can say what to install."""

hookimpl = pluggy.HookimplMarker("partisan")
"""Marks a plugin's hooks."""

_Record = TypeVar("_Record")


class Plugins:
    """The installed plugins. Entry points are read once, when something is asked for the first time."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("partisan")
        self._installed = Installed(GROUPS)
        _add_specs(self._manager)

    def listing(self) -> list[PluginInfo]:
        """Everything installed, by kind and name, claimed twice or disabled or not. Imports nothing of it."""
        return self._installed.listing()

    def names(self, kind: str) -> list[str]:
        """What can be used of a kind, by its installed names: the disabled are not among them."""
        return self._installed.names(kind)

    def transport(self, use: str) -> kinds.TransportPlugin:
        """Load a transport by its entry-point name, or by `package.module:object`.

        Raises:
            PluginError: when it is unknown, disabled, claimed twice, broken, or written for another API.
        """
        return self._load("transport", use, kinds.TransportPlugin)

    def checksum(self, use: str) -> kinds.ChecksumPlugin:
        """Load a checksum; see `transport`."""
        return self._load("checksum", use, kinds.ChecksumPlugin)

    def serializer(self, use: str) -> kinds.SerializerPlugin:
        """Load a serializer; see `transport`."""
        return self._load("serializer", use, kinds.SerializerPlugin)

    def channel_policy(self, use: str) -> kinds.ChannelPolicyPlugin:
        """Load a channel policy; see `transport`."""
        return self._load("channel_policy", use, kinds.ChannelPolicyPlugin)

    def compression(self, use: str) -> kinds.CompressionPlugin:
        """Load a compression; see `transport`."""
        return self._load("compression", use, kinds.CompressionPlugin)

    def failure_detector(self, use: str) -> kinds.FailureDetectorPlugin:
        """Load a failure detector; see `transport`."""
        return self._load("failure_detector", use, kinds.FailureDetectorPlugin)

    def overlay(self, use: str) -> kinds.OverlayPlugin:
        """Load an overlay; see `transport`. `package.module:Class` may also name a strategy class itself.

        Its configuration is then `Class.Config`, when there is one.
        """
        return self._load("overlay", use, kinds.OverlayPlugin)

    def extension(self, use: str) -> kinds.ExtensionPlugin:
        """Load an extension; see `transport`."""
        return self._load("extension", use, kinds.ExtensionPlugin)

    def _load(self, kind: str, use: str, record: type[_Record]) -> _Record:
        by_reference = ":" in use
        point = _reference(kind, use) if by_reference else self._find(kind, use)
        who = _Claimant(kind, point)
        plugin = _import(who)
        made = _direct(kind, plugin, record) if by_reference else None
        if made is None:
            _check_api(plugin, who, required=not by_reference)
            self._register(plugin, who)
            made = self._call(plugin, who, record)
        config = getattr(made, "config", kinds.NoOptions)
        if not (isinstance(config, type) and is_dataclass(config)):
            raise PluginError(f"{who}: its config {config!r} is no dataclass, as a configuration class has to be")
        return made

    def _find(self, kind: str, name: str) -> EntryPoint:
        points = self._installed.find(kind, name)
        if not points or is_disabled(kind, name):
            raise PluginError(self._missing(kind, name, disabled=bool(points)))
        if len(points) == 1:
            return points[0]
        claims = " and ".join(sorted(f"{origin(point)} ({point.value})" for point in points))
        raise PluginError(f"the {_words(kind)} {name!r} is claimed by {claims}; uninstall one of them")

    def _missing(self, kind: str, name: str, *, disabled: bool) -> str:
        names = self._installed.names(kind)
        who, installed = f"the {_words(kind)} {name!r}", f"installed: {', '.join(names) or 'none'}"
        if disabled:
            return f"{who} is disabled by the environment variable {DISABLE_VARIABLE}; {installed}"
        published = {known: package for (its_kind, known), package in PUBLISHED.items() if its_kind == kind}
        near = nearest(name, {*names, *published})
        hint = f" (did you mean {near!r}?)" if near not in (None, name) else ""
        mend = f"; to get it: pip install {published[near]}" if near in published.keys() - names else ""
        return f"{who} is not installed{hint}; {installed}{mend}"

    def _register(self, plugin: object, who: _Claimant) -> None:
        """Let pluggy check the hooks. One module may serve several kinds, and is then registered once."""
        if self._manager.is_registered(plugin):
            return
        try:
            self._manager.register(plugin, f"{who.kind}:{who.point.name}")
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            raise PluginError(f"{who} has a wrong hook: {error}{_nearest_hook(str(error))}") from error

    def _call(self, plugin: object, who: _Claimant, record: type[_Record]) -> _Record:
        hook = f"partisan_{who.kind}"
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        function = next((impl.function for impl in caller.get_hookimpls() if impl.plugin is plugin), None)
        if function is None:
            fault = "lacks the mark @hookimpl on its" if hasattr(plugin, hook) else "has no"
            raise PluginError(f"{who} {fault} hook {hook}(); see partisan_core.hookspecs for its shape")
        with blaming(who, f"its hook {hook}()"):
            made = function()
        if not isinstance(made, record):
            raise PluginError(f"{who}: its hook {hook}() returned {made!r}, not a {record.__name__}")
        return made


@contextmanager
def blaming(culprit: object, part: str) -> Iterator[None]:
    """Whatever a plugin's code raises in this block is a `PluginError`, sys.exit() included; Ctrl-C passes."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(f"{culprit}: {part} raised {type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Claimant:
    """Who is to blame, in the words of an error; metadata is read only when there is one."""

    kind: str
    point: EntryPoint

    def __str__(self) -> str:
        by = f" of {origin(self.point)}" if self.point.dist else ""
        return f"the {_words(self.kind)} {self.point.name!r}{by}"


def _add_specs(manager: pluggy.PluginManager) -> None:
    """Mark what `hookspecs` specifies; it stays free of pluggy, and readable."""
    mark = pluggy.HookspecMarker("partisan")
    for kind in GROUPS:
        mark(getattr(hookspecs, f"partisan_{kind}"))
    manager.add_hookspecs(hookspecs)


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _reference(kind: str, use: str) -> EntryPoint:
    from importlib_metadata import EntryPoint

    if not re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", use):
        raise PluginError(f"{use!r} names no {_words(kind)}: use an installed name, or package.module:object")
    return EntryPoint(name=use, value=use, group=GROUPS[kind])


def _import(who: _Claimant) -> object:
    try:
        loaded: object = who.point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() at import is a fault of the plugin, not the end of the program
        lost = isinstance(error, ModuleNotFoundError) and who.point.dist is None
        mend = "is its folder in PYTHONPATH?" if lost else "it is broken, or lacks what it needs"
        raise PluginError(
            f"{who} cannot be imported from {who.point.value}: {type(error).__name__}: {error}; {mend}"
        ) from error
    return loaded


def _direct(kind: str, thing: object, record: type[_Record]) -> _Record | None:
    """What a reference names without any hook: the record itself, or the class of a strategy."""
    if kind == "overlay" and isinstance(thing, type) and hasattr(thing, "handle"):
        strategy = cast("type[MembershipStrategy]", thing)
        config, capabilities = getattr(strategy, "Config", kinds.NoOptions), getattr(strategy, "capabilities", ())
        thing = kinds.OverlayPlugin(make=strategy, config=config, capabilities=capabilities)
    return thing if isinstance(thing, record) else None


def _check_api(plugin: object, who: _Claimant, *, required: bool) -> None:
    stated = getattr(plugin, "PARTISAN_API", None)
    if stated is None and not required:
        return
    ours = ".".join(map(str, API_VERSION))
    if stated is None:
        raise PluginError(f'{who} does not state its API; its author has to add PARTISAN_API = "{ours}"')
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", stated) if isinstance(stated, str) else None
    if match is None:
        raise PluginError(f"{who} states PARTISAN_API = {stated!r}, which is no version like {ours!r}")
    major, minor = int(match[1]), int(match[2])
    if major == API_VERSION[0] and minor <= API_VERSION[1]:
        return  # before anything is said of it: metadata is read for an error only
    sides = f"{who} was written for API {stated}, this core has API {ours}"
    if major >= API_VERSION[0]:
        raise PluginError(f"{sides}; the core is too old: pip install --upgrade partisan-core")
    package = f": pip install --upgrade {who.point.dist.name}" if who.point.dist else ""
    raise PluginError(f"{sides}; the plugin is too old{package}")


def _nearest_hook(message: str) -> str:
    """A misspelt hook is found by pluggy; which one was meant, by us."""
    unknown = re.search(r"unknown hook '(\w+)'", message)
    return did_you_mean(unknown[1], [f"partisan_{kind}" for kind in GROUPS]) if unknown else ""
