"""Every extension point, in the order in which a starting node calls them.

A plugin is a module named by an entry point. It states the API it was written for and implements one hook:

    from partisan_core.kinds import SerializerPlugin
    from partisan_core.plugins import hookimpl

    PARTISAN_API = "1.0"

    @hookimpl
    def partisan_serializer() -> SerializerPlugin:
        return SerializerPlugin(make=MySerializer)

with, in its `pyproject.toml`, the name under which a configuration selects it:

    [project.entry-points."partisan.serializers"]
    mine = "my_package.plugin"

Hooks wire things. They are called once per node, before anything is opened; none is called per message. One
that raises stops the start with a `PluginError` that names the plugin. The bodies below are never run.
"""

from partisan_core import kinds


def partisan_extension() -> kinds.ExtensionPlugin:
    """Hand over an extension: what watches the node, or serves others. Group `partisan.extensions`.

    Called when: a node starts whose `[extensions] enable` names it, before anything else.
    Returns: the factory of an observer, which is called once per node, or an async function that runs beside the node,
        or both; and their configuration class.
    May it block: no, and the observer neither: it is called with each notice, and never per message.
    Since: 1.1
    """
    raise NotImplementedError


def partisan_transport() -> kinds.TransportPlugin:
    """Hand over a transport: how connections are made. Group `partisan.transports`.

    Called when: a node starts whose `[transport] use` names it.
    Returns: the factory and its configuration class; the factory is called once per node.
    May it block: no. The transport's `listen` and `dial` are asynchronous.
    Since: 1.0
    """
    raise NotImplementedError


def partisan_checksum() -> kinds.ChecksumPlugin:
    """Hand over a checksum of frames, to be used with peers that have it, too. Group `partisan.checksums`.

    Called when: a node starts, as long as `[links] checksum` names no other.
    Returns: what begins the digest of a frame.
    May it block: no. The digest is made inside `send` and inside the reader.
    Since: 1.3
    """
    raise NotImplementedError


def partisan_serializer() -> kinds.SerializerPlugin:
    """Hand over a serializer: how messages become bytes. Group `partisan.serializers`.

    Called when: a node starts whose `[serializer] use`, or a channel's `serializer`, names it.
    Returns: the factory and its configuration class; the factory is called once per node.
    May it block: no. The serializer runs inside `send` and inside the reader.
    Since: 1.0
    """
    raise NotImplementedError


def partisan_channel_policy() -> kinds.ChannelPolicyPlugin:
    """Hand over a channel policy: what happens when a lane is full. Group `partisan.channel_policies`.

    Called when: a node starts with a channel whose `policy` names it.
    Returns: the policy itself, which serves every lane of every such channel.
    May it block: no, and the policy neither: it answers WAIT instead.
    Since: 1.0
    """
    raise NotImplementedError


def partisan_compression() -> kinds.CompressionPlugin:
    """Hand over a compression: how the frames of a channel become smaller. Group `partisan.compressions`.

    Called when: a node starts with a channel whose `compression` names it; `zlib` whenever it is installed.
    Returns: the factory and its configuration class; the factory is called for each such channel, and once more.
    May it block: no. The compression runs inside the writer and the reader of each connection.
    Since: 1.3
    """
    raise NotImplementedError


def partisan_failure_detector() -> kinds.FailureDetectorPlugin:
    """Hand over a failure detector: whom the node suspects. Group `partisan.failure_detectors`.

    Called when: a node starts whose `[failure_detector] use` names it.
    Returns: the factory of a pure state machine and its configuration class; called once per node.
    May it block: no.
    Since: 1.0
    """
    raise NotImplementedError


def partisan_overlay() -> kinds.OverlayPlugin:
    """Hand over an overlay: whom the node knows, and to whom it wants links. Group `partisan.overlays`.

    Called when: a node starts whose `[overlay] use` names it; before all else when `node.requires` is set.
    Returns: the factory of a pure state machine, its configuration class, its capabilities and the version of its
        messages; the factory is called once per life of the node.
    May it block: no.
    Since: 1.0
    """
    raise NotImplementedError
