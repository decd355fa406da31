"""Something that must not happen, and is seen when it does: code that runs because bytes said so."""

songs: list[str] = []
"""Grows when `sing` was executed."""


def sing() -> str:
    """Be executed."""
    songs.append("la")
    return "la"


class Canary:
    """Sings when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return sing, ()


def eggs() -> list[bytes]:
    """Bytes that make careless decoders sing: a pickle, an expression, a YAML document, a jsonpickle."""
    module = __name__.encode()
    return [
        b"c%s\nsing\n(tR." % module,
        b"__import__('%s', fromlist=['sing']).sing()" % module,
        b"[['m', __import__('%s', fromlist=['sing']).sing()]]" % module,
        b"!!python/object/apply:%s.sing []" % module,
        b'[["m", {"py/reduce": [{"py/function": "%s.sing"}, {"py/tuple": []}]}]]' % module,
    ]
