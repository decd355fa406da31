"""What travels as it is."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from partisan_core.refs import Ref

_SCALARS = frozenset({type(None), bool, int, float, str, bytes, bytearray, memoryview, Ref})
_MOMENTS_AND_NUMBERS = frozenset({date, datetime, time, timedelta, Decimal, UUID})
_PLAIN = _SCALARS | _MOMENTS_AND_NUMBERS
_MANY = frozenset({list, tuple, set, frozenset})


def check_plain(value: object, explain: Callable[[type], str]) -> None:
    """Look for objects of classes, which msgspec alone would send as the dict of their fields.

    Raises:
        TypeError: there is one, in the words of `explain`.
    """
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind in _MANY:
        for item in value:  # type: ignore[attr-defined]  # one of the four
            check_plain(item, explain)
    elif kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]  # it is a dict
            check_plain(key, explain)
            check_plain(item, explain)
    else:
        raise TypeError(explain(kind))
