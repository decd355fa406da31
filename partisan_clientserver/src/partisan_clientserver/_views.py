"""Who may be in whose view: the roles, and the table of who accepts whom."""

from collections.abc import Container, Iterable, Mapping
from enum import StrEnum

from partisan_core.identity import NodeSpec
from partisan_core.membership import Entry

LABEL = "role"


class Role(StrEnum):
    """What the label `role` may say."""

    SERVER = "server"
    CLIENT = "client"


_ROLES = {role.value: role for role in Role}

ACCEPTED = frozenset({(Role.SERVER, Role.SERVER), (Role.SERVER, Role.CLIENT), (Role.CLIENT, Role.SERVER)})
"""(mine, theirs): all pairs that are linked. Every other pair is refused, unlabelled nodes by everybody."""


def role_of(node: NodeSpec) -> Role | None:
    """Return what the node is labelled as; None when that is neither."""
    return _ROLES.get(node.labels.get(LABEL, ""))


def is_server(node: NodeSpec) -> bool:
    """Say whether the node is labelled as one."""
    return role_of(node) is Role.SERVER


def visible(mine: Role, name: str, alive: Mapping[str, NodeSpec]) -> dict[str, NodeSpec]:
    """Return the members that a node of role `mine` and that name may see, itself among them."""
    return {other: spec for other, spec in alive.items() if other == name or objection(mine, spec) is None}


def fitting(entries: Iterable[Entry], peer: NodeSpec, names: Container[str]) -> tuple[Entry, ...]:
    """Return the entries that `peer` is told: a server all, others those of servers and of `names`."""
    everything = is_server(peer)
    return tuple(one for one in entries if everything or is_server(one.spec) or one.spec.name in names)


def objection(mine: Role, peer: NodeSpec) -> str | None:
    """Say why a node of role `mine` is not linked to `peer`; None when it may be."""
    theirs = role_of(peer)
    if theirs is None:
        return f"node {peer.name} {mislabelled(peer)}"
    if (mine, theirs) in ACCEPTED:
        return None
    return f"node {peer.name} is a {theirs}, as is the node that it spoke to: clients are linked to servers only"


def mislabelled(node: NodeSpec) -> str:
    """Describe a label that is missing or wrong, and how to mend it."""
    label = node.labels.get(LABEL)
    found = f"has no label {LABEL!r}" if label is None else f"has the label {LABEL} = {label[:64]!a}"
    return f'{found}: write [node.labels] {LABEL} = "server" or "client"'
