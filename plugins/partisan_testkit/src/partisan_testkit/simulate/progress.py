"""A progress bar on a terminal, on the standard error, so that what is printed stays what it is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def shown_progress(what: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show how much of `total` is done, as the callable is told; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    # Imported late for its cost: only terminals need it.
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
