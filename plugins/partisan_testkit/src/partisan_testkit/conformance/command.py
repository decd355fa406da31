"""The command `partisan conformance`."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from partisan_core.spelling import did_you_mean
from partisan_testkit.conformance import SEEDS, detectors, serializers
from partisan_testkit.conformance.finding import Kind, find_detector, find_overlay, find_serializer, kind_of
from partisan_testkit.conformance.overlays import RULES as OVERLAY_RULES
from partisan_testkit.conformance.rules import Check, Finding
from partisan_testkit.conformance.subjects import Setting


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="When NAME is several, or to be sure.")
@click.option("--seed", type=click.IntRange(0), help="Look with this one.")
@click.option("--seeds", metavar="A-B", help=f"Look with each of these.  [default: {SEEDS[0]}-{SEEDS[-1]}]")
@click.option("--rule", "only", multiple=True, metavar="RULE", help="Look at this one; may be given several times.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="An option of the subject, as in its table.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="KEY=V0,V1,...",
    help="A label of the nodes 0, 1, ...; the last value is that of all others.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def conformance(
    name: str,
    *,
    kind: str | None,
    seed: int | None,
    seeds: str | None,
    only: Sequence[str],
    options: Sequence[str],
    labels: Sequence[str],
    as_json: bool,
) -> None:
    """Look whether the overlay, serializer or failure detector NAME keeps the rules that everybody relies on.

    NAME is what a configuration calls it, or package.module:Thing. The exit code is 1 when it breaks a rule.
    """
    chosen = _seeds(seed, seeds)
    setting = Setting(options=dict(_options(options)), labels=dict(_labels(labels))) if options or labels else None
    checks = _choose(_checks(name, Kind(kind) if kind else kind_of(name), setting, chosen), only)
    verdicts = _look(checks)
    findings = _print_json(name, chosen, verdicts) if as_json else _print(verdicts)
    if findings:
        raise click.exceptions.Exit(1)


def _checks(name: str, kind: Kind, setting: Setting | None, seeds: Sequence[int]) -> list[Check[Any]]:
    if kind is Kind.OVERLAY:
        overlay = find_overlay(name, setting)
        return [Check(rule, overlay, seeds) for rule in OVERLAY_RULES]
    if kind is Kind.FAILURE_DETECTOR:
        detector = find_detector(name, setting or Setting())
        return [Check(rule, detector, seeds) for rule in detectors.RULES]
    serializer = find_serializer(name, setting or Setting())
    return [Check(rule, serializer, seeds) for rule in serializers.RULES]


def _choose(checks: list[Check[Any]], only: Sequence[str]) -> list[Check[Any]]:
    known = [str(check) for check in checks]
    for rule in only:
        if rule not in known:
            raise click.UsageError(f"no rule {rule!r}{did_you_mean(rule, known)}; there are: {', '.join(known)}")
    return [check for check in checks if not only or str(check) in only]


Verdict = tuple[Check[Any], str, Finding | None]
"""A check, `ok`, `FAILED` or `skipped`, and what was found."""


def _look(checks: Sequence[Check[Any]]) -> Iterator[Verdict]:
    for check in checks:
        finding = check.find() if check.applies else None
        word = "FAILED" if finding else "ok" if check.applies else "skipped"
        yield check, word, finding


def _print(verdicts: Iterator[Verdict]) -> list[Finding]:
    """A line as soon as each is known, then what was found."""
    findings = []
    for check, word, finding in verdicts:
        rule = check.rule
        reason = f"it does not claim {rule.needs!r}" if word == "skipped" else rule.sentence
        click.echo(f"{word:<8}{rule.name:<30}{reason}")
        findings += [finding] if finding else []
    for finding in findings:
        click.echo(f"\n{finding}")
    return findings


def _print_json(name: str, seeds: Sequence[int], verdicts: Iterator[Verdict]) -> list[Finding]:
    rows, findings = [], []
    for check, word, finding in verdicts:
        rule = check.rule
        row: dict[str, object] = {"rule": rule.name, "sentence": rule.sentence, "needs": rule.needs, "verdict": word}
        if finding:
            row |= {"seed": finding.seed, "found": finding.what, "repeat": finding.repeat}
            findings.append(finding)
        rows.append(row)
    said = {"name": name, "seeds": [seeds[0], seeds[-1]], "ok": not findings, "rules": rows}
    click.echo(json.dumps(said, indent=2))
    return findings


def _seeds(seed: int | None, seeds: str | None) -> Sequence[int]:
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed is one and --seeds are many: give one of the two")
    if seeds is None:
        return SEEDS if seed is None else [seed]
    first, dash, last = seeds.partition("-")
    if not (first.isdecimal() and (last.isdecimal() if dash else not last)) or int(last or first) < int(first):
        raise click.UsageError(f"{seeds!r} are no seeds: write the first and the last, for example 0-99")
    return range(int(first), int(last or first) + 1)


def _options(words: Sequence[str]) -> Iterator[tuple[str, object]]:
    for word in words:
        key, equals, text = word.partition("=")
        if not (key and equals):
            raise click.UsageError(f"{word!r} is no option: write KEY=VALUE")
        yield key, _value(text)


def _value(text: str) -> object:
    """As in TOML; what is none is text."""
    try:
        table: Mapping[str, object] = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"]


def _labels(words: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    for word in words:
        key, equals, values = word.partition("=")
        if not (key and equals):
            raise click.UsageError(f"{word!r} is no label: write KEY=VALUE, or KEY=VALUE,VALUE,... for nodes 0, 1, ...")
        yield key, values.split(",")
