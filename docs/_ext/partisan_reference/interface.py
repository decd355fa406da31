"""The page of what an application calls: `open_node`, `Node`, `Mailbox`, `Ref`, `load_config`."""

from partisan_core import Mailbox, Node, Receipt, Ref, load_config, open_node
from partisan_core.messaging import Messaging
from partisan_reference import markdown
from partisan_reference.hooks import class_section
from partisan_reference.markdown import described

INTRODUCTION = """
All of this is imported from `partisan_core`. What `send` promises, case by case, is in {doc}`../send`.
"""


def page() -> str:
    """Functions, then classes."""
    return markdown.page(
        "Node and mailbox",
        INTRODUCTION,
        "## `open_node`",
        described(open_node),
        *(class_section(one, level=2) for one in (Node, Messaging, Receipt, Mailbox, Ref)),
        "## `load_config`",
        described(load_config),
    )
