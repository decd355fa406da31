"""`open_node`: from a configuration to a running node, and back to nothing."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio

from partisan_core.config.loader import load_config
from partisan_core.config.model import Config
from partisan_core.errors import NameInUse
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.allocator import keep_freed_memory
from partisan_core.kernel.extensions import attach, make_extensions, serve, stand_between
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.log_levels import set_levels
from partisan_core.kernel.rejoining import rejoin
from partisan_core.kernel.security import secure
from partisan_core.kernel.selecting import select
from partisan_core.kernel.state import StateFile, lock_directory
from partisan_core.kinds import Listener, Transport
from partisan_core.node import Node
from partisan_core.plugins import Plugins
from partisan_core.requirements import check_requirements
from partisan_core.surroundings import OF_THE_SYSTEM, Surroundings

Source = Config | Path | str | Callable[[], Config] | None
"""Where the configuration of a node comes from."""


def open_node(config: Source = None, **sections: object) -> AbstractAsyncContextManager[Node]:
    """Start a node and stop it at the end of the block.

    Args:
        config: a `Config`, or the path of a TOML file; nothing for the defaults and the environment. Or a function that
            loads a `Config`, and is called again, in a thread, for each `Node.reload`.
        **sections: what overrides it, for example `node={"name": "alpha"}`.

    The end of the block flushes what is queued (at most `links.flush_timeout`) and closes; it does not leave the
    cluster: call `leave` for that. An exception of the body comes out bare.

    Raises:
        ConfigError, PluginError, StartError: nothing was started.
        NameInUse: a newer life of this name exists, or the peers that a copied `data_dir` remembers know a living node
            of this name; the body was cancelled.
    """
    return open_node_in(OF_THE_SYSTEM, _loader(config, sections))


@asynccontextmanager
async def open_node_in(surroundings: Surroundings, load: Callable[[], Config]) -> AsyncIterator[Node]:
    """Do what `open_node` does, with the chance and the wall clock of a simulation. Since: 1.3."""
    settings = _named(load(), surroundings)
    plugins = Plugins()
    check_requirements(settings, plugins)
    extensions = make_extensions(settings, plugins)
    keep_freed_memory()
    with ExitStack() as stack:
        if settings.node.data_dir is not None:
            stack.enter_context(lock_directory(settings.node.data_dir))
        transport_plugin, options = select(settings, "transport", plugins.transport)
        transport = transport_plugin.make(options)
        listeners = await _listen(settings, transport, stack)
        security = secure(settings, listeners, transport_plugin)
        set_levels({}, settings.logging.levels)
        of_node = settings.node
        state = StateFile(of_node.data_dir, of_node.name, of_node.cluster, settings.overlay.use, surroundings)
        me = _introduce(settings, listeners, await state.begin_life(), surroundings)
        retired: list[NameInUse] = []
        raised: list[ExceptionGroup[Exception]] = []
        try:
            async with trio.open_nursery() as nursery:
                kernel = Kernel(settings, plugins, me, state, transport, listeners, security, surroundings, nursery)
                attach(extensions, kernel.journal, strict=settings.node.strict)
                stand_between(extensions, kernel)
                kernel.driver.on_retired = lambda reason: _retire(kernel, reason, retired)
                kernel.start()
                node = Node(kernel, load)
                try:
                    await serve(extensions, node, kernel)
                    if settings.node.rejoin and state.content.peers:
                        nursery.start_soon(rejoin, kernel, state.content.peers)
                    with _noticing(raised):
                        yield node
                finally:
                    with trio.CancelScope(shield=True):
                        await kernel.stop()
                    nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            outcome: BaseException | None = _bare(group, raised)
        else:
            outcome = retired[0] if retired else None
        if outcome is not None:
            raise outcome  # outside of the handler: it keeps the cause and the context that it has


def _loader(config: Source, sections: dict[str, object]) -> Callable[[], Config]:
    """How the configuration is loaded, now and again."""
    if isinstance(config, Path | str | None):
        return partial(load_config, None if config is None else Path(config), overrides=sections)
    if sections:
        raise TypeError("open_node takes a Config or sections, not both: use dataclasses.replace on the Config")
    return (lambda: config) if isinstance(config, Config) else config


def _named(config: Config, surroundings: Surroundings) -> Config:
    if config.node.name:
        return config
    host = socket.gethostname().partition(".")[0] or "node"
    name = f"{host}-{os.getpid()}-{surroundings.chance.randbytes(3).hex()}"
    return replace(config, node=replace(config.node, name=name))


async def _listen(config: Config, transport: Transport, stack: ExitStack) -> Sequence[Listener]:
    listeners = []
    for address in config.node.listen:
        listener = await transport.listen(address)
        stack.callback(listener.close)
        listeners.append(listener)
    return listeners


def _introduce(config: Config, listeners: Sequence[Listener], incarnation: int, surroundings: Surroundings) -> NodeSpec:
    return NodeSpec(
        config.node.name,
        incarnation,
        surroundings.chance.getrandbits(64),
        tuple(config.node.advertise) or tuple(listener.address for listener in listeners),
        dict(config.node.labels),
        dict(config.node.metadata),
    )


def _retire(kernel: Kernel, reason: Reason, retired: list[NameInUse]) -> None:
    """Evicted, a node stays open, alone; under a name that somebody newer has, it cannot."""
    kernel.left = True
    kernel.judge.barred = f"is no longer a member ({reason})"
    kernel.outlets.forget()
    if reason is Reason.NAME_IN_USE:
        retired.append(
            NameInUse(
                f"a newer life of node {kernel.me.name!r} is a member of the cluster; this node has stopped. Give each "
                f"node a name of its own; or, when it was restarted, a data_dir or a clock that does not go back"
            )
        )
        kernel.nursery.cancel_scope.cancel()


@contextmanager
def _noticing(raised: list[ExceptionGroup[Exception]]) -> Iterator[None]:
    """Keep a group that the body raises: it comes out as it is, see `_bare`."""
    try:
        yield
    except ExceptionGroup as error:
        raised.append(error)
        raise


def _bare(group: BaseExceptionGroup[BaseException], raised: Sequence[ExceptionGroup[Exception]]) -> BaseException:
    """The one exception that matters: the body's or a background task's, not the cancellations around it.

    A group that the body `raised` comes out as it is.
    """
    leaves = list(_leaves(group))
    loud = [leaf for leaf in leaves if not isinstance(leaf, trio.Cancelled)]
    for own in raised:
        if loud == list(_leaves(own)):
            return own
    if len(loud) > 1:
        return group
    return (loud or leaves)[0]


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
