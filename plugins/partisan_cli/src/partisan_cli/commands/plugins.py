"""`partisan plugins`."""

import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import NamedTuple

import click
from msgspec import to_builtins

from partisan_cli.failing import Failure
from partisan_cli.offers import GROUP, KIND
from partisan_cli.output import json_option, print_json, print_table
from partisan_core.config.loader import load_config
from partisan_core.config.model import DEFAULT_EXTENSIONS, DEFAULT_USES, FAULTS, Config
from partisan_core.errors import PluginError
from partisan_core.installed import DISABLE_VARIABLE, Installed, PluginInfo
from partisan_core.plugins import GROUPS, Plugins
from partisan_core.spelling import did_you_mean


@click.group(invoke_without_command=True)
@click.option("--config", type=click.Path(path_type=Path), help="The configuration that says what is active.")
@json_option
@click.pass_context
def plugins(ctx: click.Context, config: Path | None, *, as_json: bool) -> None:
    """List the installed plugins: what a configuration can use, and who brings it. Imports none of them.

    Active is what the configuration (without --config: the environment and the defaults) selects, and each command.
    """
    if ctx.invoked_subcommand is not None:
        if as_json or config is not None:
            raise click.UsageError(f"options go behind the command: partisan plugins {ctx.invoked_subcommand} --json")
        return
    used = set(_used(load_config(config)))
    found = [(info, not info.disabled and (info.kind == KIND or (info.kind, info.name) in used)) for info in _listing()]
    if as_json:
        print_json([{**to_builtins(info), "active": active} for info, active in found])
        return
    rows = [
        (info.kind, info.name, info.distribution, info.version, info.api_range, _state(info, active=active))
        for info, active in found
    ]
    print_table(("kind", "name", "distribution", "version", "API range", "state"), rows)


@plugins.command()
@json_option
def check(*, as_json: bool) -> None:
    """Import every installed plugin but the disabled ones, and say what is wrong with any."""
    installed = Installed(_KINDS)
    with redirect_stdout(sys.stderr):  # what an import prints is no part of the listing
        verdicts = list(_judge(installed.listing()))
    warnings = list(_warnings(installed))
    problems = list(dict.fromkeys(verdict.problem for verdict in verdicts if verdict.problem))
    if as_json:
        rows = [{**to_builtins(info), "api": api, "problem": problem} for info, api, problem in verdicts]
        print_json({"ok": not problems, "plugins": rows, "warnings": warnings})
        raise click.exceptions.Exit(1 if problems else 0)
    columns = ("kind", "name", "distribution", "version", "API", "verdict")
    print_table(columns, [(v.info.kind, v.info.name, v.info.distribution, v.info.version, v.api, v) for v in verdicts])
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
    if problems:
        raise Failure(problems)


_KINDS = {**GROUPS, KIND: GROUP}


class Verdict(NamedTuple):
    """What the import of a plugin showed."""

    info: PluginInfo
    api: str | None
    """What it says it was written for; None: nothing, as a command may."""
    problem: str | None

    def __str__(self) -> str:
        if self.info.disabled:
            return "disabled"
        return "wrong" if self.problem else "ok"


def _listing() -> list[PluginInfo]:
    return Installed(_KINDS).listing()


def _used(config: Config) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that a node with this configuration loads."""
    for section in DEFAULT_USES:
        yield section, getattr(config, section).use
    for channel in config.channels.values():
        yield "channel_policy", channel.policy.use
        if channel.serializer is not None:
            yield "serializer", channel.serializer
        if channel.compression is not None:
            yield "compression", channel.compression.use
    faults = [FAULTS] if config.faults.enabled else []
    for name in (*config.extensions.enable, *faults, *DEFAULT_EXTENSIONS):
        yield "extension", name
    for name in Plugins().names("checksum") if config.links.checksum is None else [config.links.checksum]:
        yield "checksum", name


def _state(info: PluginInfo, *, active: bool) -> str:
    if info.disabled:
        return "disabled"
    return "active" if active else "-"


def _judge(listing: list[PluginInfo]) -> Iterator[Verdict]:
    loader = Plugins()
    for info in listing:
        if info.disabled:
            yield Verdict(info, None, None)
            continue
        try:
            _load(info, loader)
        except (PluginError, Failure) as error:
            yield Verdict(info, None, str(error))
        else:
            yield Verdict(info, _stated_api(info), None)


def _load(info: PluginInfo, loader: Plugins) -> None:
    if info.kind != KIND:
        getattr(loader, info.kind)(info.name)
        return
    from partisan_cli.group import COMMANDS, load_offered

    if info.name in COMMANDS:
        raise Failure([f"the command {info.name!r} of {info.distribution} is never called: partisan has one itself"])
    load_offered(info.name)


def _stated_api(info: PluginInfo) -> str | None:
    """What it has just been loaded with: this imports nothing any more."""
    stated: object = getattr(EntryPoint(info.name, info.value, "").load(), "PARTISAN_API", None)
    return stated if isinstance(stated, str) else None


def _warnings(installed: Installed) -> Iterator[str]:
    names = [info.name for info in installed.listing()]
    for word in installed.unmatched():
        yield f"{DISABLE_VARIABLE} names {word!r}, and no plugin is called so{did_you_mean(word, names)}"
