"""The nearest name: what every error about a wrong name offers."""

from collections.abc import Iterable


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name most like `word`, whatever the case; None when none is near."""
    # Imported late: only errors need it.
    from difflib import get_close_matches

    by_folded = {name.casefold(): name for name in names}
    near = get_close_matches(str(word).casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return ` (did you mean 'X'?)` to append to a message, or nothing when no name is near."""
    near = nearest(word, names)
    return f" (did you mean {near!r}?)" if near else ""
