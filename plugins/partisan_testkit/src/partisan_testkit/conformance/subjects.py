"""What is judged, and how it is set up."""

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cached_property
from random import Random
from types import MappingProxyType

from partisan_core.config import Selection, structure_options
from partisan_core.identity import Address, NodeSpec
from partisan_core.kinds import FailureDetector, FailureDetectorPlugin, OverlayPlugin, Serializer, SerializerPlugin
from partisan_core.strategy import MembershipStrategy

NODES = 8
"""How many nodes a cluster of the kit has. Chosen: more than an active view of five, and quick."""

_INCARNATION = 1_750_000_000_000
"""Of today's size, in milliseconds, so that encoded messages are too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What nodes need that do not work with an empty table `[overlay]`."""

    options: Mapping[str, object] = field(default_factory=dict)
    """The rest of the table `[overlay]`, `[serializer]` or `[failure_detector]`."""
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For each label its values on the nodes 0, 1, …; the last is that of all further nodes. Node 0 is the contact."""

    def labels_of(self, number: int) -> dict[str, str]:
        """The labels of one node."""
        return {label: values[min(number, len(values) - 1)] for label, values in self.labels.items()}

    @property
    def words(self) -> list[str]:
        """As the command line says it."""
        options = [f"--set {shlex.quote(f'{key}={json.dumps(value)}')}" for key, value in self.options.items()]
        return [*options, *(f"--label {label}={','.join(values)}" for label, values in self.labels.items())]


PLAIN = Setting()

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {"clientserver": Setting(labels={"role": ("server", "server", "client")})}
)
"""Of this project's overlays that need one."""


@dataclass(frozen=True)
class OverlaySubject:
    """An overlay."""

    use: str
    """What a configuration calls it."""
    plugin: OverlayPlugin
    setting: Setting = PLAIN

    @property
    def title(self) -> str:
        """The name, and what differs from the setting that a name has by itself."""
        words = [] if self.setting == SETTINGS.get(self.use, PLAIN) else self.setting.words
        return " ".join([self.use, *words])

    @property
    def capabilities(self) -> Collection[str]:
        """What its plugin tells applications."""
        return self.plugin.capabilities

    @cached_property
    def is_told_its_peers(self) -> bool:
        """Whether there is an option `peers` without a default: `name=address` of every node, as in the demo."""
        config = self.plugin.config
        options = fields(config) if is_dataclass(config) else ()
        return any(one.name == "peers" and one.default is MISSING and one.default_factory is MISSING for one in options)

    @cached_property
    def config(self) -> object:
        """The options as the core reads them; the same for every node."""
        options = dict(self.setting.options)
        if self.is_told_its_peers:
            options.setdefault("peers", [f"{name_of(number)}={address_of(number)}" for number in range(NODES)])
        return structure_options(Selection(use=self.use, options=options), self.plugin.config, "overlay")

    def spec(self, number: int, life: int = 0) -> NodeSpec:
        """One life of a node: at the same address with the same labels, whatever the life."""
        return NodeSpec(
            name_of(number),
            _INCARNATION + life,
            1000 * number + life,
            (address_of(number),),
            self.setting.labels_of(number),
        )

    def make(self, me: NodeSpec, rng: Random) -> MembershipStrategy:
        """The machine of one node."""
        return self.plugin.make(me, self.config, rng)


def name_of(number: int) -> str:
    """What a node is called."""
    return f"node-{number}"


def address_of(number: int) -> Address:
    """Where it listens."""
    return Address("10.0.0.1", 10_000 + number)


@dataclass(frozen=True)
class SerializerSubject:
    """A serializer."""

    use: str
    plugin: SerializerPlugin
    setting: Setting = PLAIN
    capabilities: Collection[str] = ()

    @property
    def title(self) -> str:
        """The name with its options; the kind too, as an overlay may have the same name."""
        return " ".join([self.use, "--kind serializer", *self.setting.words])

    def make(self) -> Serializer:
        """What serves one node."""
        selection = Selection(use=self.use, options=dict(self.setting.options))
        made: Serializer = self.plugin.make(structure_options(selection, self.plugin.config, "serializer"))
        return made


@dataclass(frozen=True)
class DetectorSubject:
    """A failure detector."""

    use: str
    plugin: FailureDetectorPlugin
    setting: Setting = PLAIN
    capabilities: Collection[str] = ()

    @property
    def title(self) -> str:
        """The name with its options, and the kind."""
        return " ".join([self.use, "--kind failure_detector", *self.setting.words])

    def make(self, rng: Random) -> FailureDetector:
        """The machine of one node."""
        selection = Selection(use=self.use, options=dict(self.setting.options))
        return self.plugin.make(structure_options(selection, self.plugin.config, "failure_detector"), rng)
