"""The command `partisan`: runs a node, and asks running ones."""


def main() -> None:
    """The entry point of the script."""
    from partisan_cli.group import partisan

    partisan(prog_name="partisan")
