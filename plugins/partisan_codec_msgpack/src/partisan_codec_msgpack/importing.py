"""The classes that our own configuration names. What a peer names is only ever looked up among them."""

from collections.abc import Iterable
from importlib import import_module

from partisan_core.errors import ConfigError
from partisan_core.spelling import did_you_mean


def import_types(references: Iterable[str]) -> dict[str, type]:
    """Import `package.module:Class` or `tag=package.module:Class` and return the classes by their tags.

    Raises:
        ConfigError: with all problems at once: no such module or class, or a tag given twice.
    """
    found: dict[str, type] = {}
    problems: list[str] = []
    for reference in references:
        stated, equals, path = reference.rpartition("=")
        try:
            kind = _import_class(path)
            tag = stated if equals else kind.__name__
            if not tag or tag in found:
                raise ConfigError(f"the tag {tag!r} is empty or taken; write another one: 'another={path}'")
            found[tag] = kind
        except ConfigError as error:
            problems.append(f"[serializer] types: {reference!r}: {error}")
    if problems:
        raise ConfigError(*problems)
    return found


def _import_class(path: str) -> type:
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        raise ConfigError("expected 'package.module:Class'")
    try:
        module = import_module(module_name)
    except Exception as error:  # a module of the application: whatever its import raises, the line names it
        raise ConfigError(f"cannot be imported: {type(error).__name__}: {error}") from error
    kind = getattr(module, name, None)
    if not isinstance(kind, type):
        classes = [known for known, value in vars(module).items() if isinstance(value, type)]
        raise ConfigError(f"{module_name} has no class {name!r}{did_you_mean(name, classes)}")
    return kind
