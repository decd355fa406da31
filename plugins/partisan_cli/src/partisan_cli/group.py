"""The group `partisan`: knows its commands by name, and imports one when it is called.

`partisan --help` costs the import of click and nothing else: neither trio nor rich nor the core nor a plugin.
"""

from importlib import import_module
from typing import NamedTuple

import click

from partisan_cli.failing import Failure, explain
from partisan_cli.offers import Offer, disabled_offer, read_offers


class Lazy(NamedTuple):
    """A command that is not imported yet."""

    value: str
    """module:object."""
    summary: str
    """Its line in the help of the group."""


COMMANDS = {
    "run": Lazy("partisan_cli.commands.run:run", "Run a node until it is told to end."),
    "demo": Lazy("partisan_cli.demo.command:demo", "Count words in a cluster of processes, and kill some."),
    "status": Lazy(
        "partisan_cli.commands.status:status", "Show a running node at a glance, and whether it is healthy."
    ),
    "members": Lazy("partisan_cli.commands.members:members", "List the members of the cluster, as a node sees them."),
    "connections": Lazy(
        "partisan_cli.commands.connections:connections", "Show the links of a node, and what hinders them."
    ),
    "ping": Lazy("partisan_cli.commands.ping:ping", "Measure how long members take to answer a node."),
    "join": Lazy("partisan_cli.commands.join:join", "Make a node join a cluster."),
    "leave": Lazy("partisan_cli.commands.leave:leave", "Make a node leave its cluster, and end."),
    "evict": Lazy("partisan_cli.commands.evict:evict", "Remove a member, living or dead, from the cluster."),
    "reload": Lazy("partisan_cli.commands.reload:reload", "Make a node read its configuration again."),
    "faults": Lazy("partisan_cli.commands.faults:faults", "Harm on purpose what a node sends and receives."),
    "plugins": Lazy("partisan_cli.commands.plugins:plugins", "List the installed plugins, or check them."),
    "config": Lazy("partisan_cli.commands.config:config", "Check or show a configuration."),
}


class Partisan(click.Group):
    """Commands of our own, then those that other distributions offer under `partisan.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names: ours in the order of the table, the others by name."""
        return [*COMMANDS, *sorted({offer.name for offer in read_offers()} - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        if cmd_name in COMMANDS:
            return _with_debug(_load(COMMANDS[cmd_name].value))
        command = load_offered(cmd_name)
        return _with_debug(command) if command else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Look a command up; for an unknown one name the nearest."""
        if args and not args[0].startswith("-") and args[0] not in (known := self.list_commands(ctx)):
            from partisan_core.spelling import did_you_mean

            if offer := disabled_offer(args[0]):
                raise Failure([f"the command {args[0]!r} of {offer} is disabled by PARTISAN_DISABLE_PLUGINS"])
            ctx.fail(f"no command {args[0]!r}{did_you_mean(args[0], known)}; see partisan --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing any."""
        rows = [(name, lazy.summary) for name, lazy in COMMANDS.items()]
        offers = {offer.name: offer for offer in read_offers() if offer.name not in COMMANDS}
        rows += [(name, f"From {offers[name].distribution}.") for name in sorted(offers)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error becomes plain lines, unless the traceback was asked for."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            ctx.exit(130)
        except Exception as error:
            if ctx.meta.get(_DEBUG):
                raise
            raise Failure(explain(error)) from error


_DEBUG = "partisan.debug"


def _note_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_DEBUG] = True


_debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_note_debug, help="Show tracebacks of errors."
)


def _with_debug(command: click.Command) -> click.Command:
    """Let `--debug` stand at the end of a failed line as well."""
    if all(parameter.name != "debug" for parameter in command.params):
        _debug_option(command)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_debug(below)
    return command


def _load(value: str) -> click.Command:
    module, _, name = value.partition(":")
    command: object = getattr(import_module(module), name)
    if not isinstance(command, click.Command):
        raise TypeError(f"{value} is a {type(command).__name__}, no click command")
    return command


def load_offered(name: str) -> click.Command | None:
    """Import a stranger's command.

    Raises:
        Failure: with whatever that raised as its fault, sys.exit() included; or several claim the name.
    """
    offers = [offer for offer in read_offers() if offer.name == name]
    if len(offers) > 1:
        claims = " and ".join(map(str, offers))
        raise Failure([f"the command {name!r} is claimed by {claims}; uninstall one of them"])
    return _load_offer(offers[0]) if offers else None


def _load_offer(offer: Offer) -> click.Command:
    try:
        return _load(offer.value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise Failure(
            [f"the command {offer.name!r} of {offer} cannot be loaded: {type(error).__name__}: {error}"]
        ) from error


@click.group(name="partisan", cls=Partisan)
@_debug_option
@click.version_option(package_name="partisan-cli")
def partisan() -> None:
    """Run nodes of a cluster, and see and control those that run on this machine."""
