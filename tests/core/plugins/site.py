"""Distributions as an installer leaves them: a dist-info folder and modules. Nothing is built or fetched."""

import sys
from pathlib import Path
from textwrap import dedent

SERIALIZER = """
    from partisan_core.kinds import SerializerPlugin
    from partisan_core.plugins import hookimpl

    PARTISAN_API = "1.0"

    @hookimpl
    def partisan_serializer() -> SerializerPlugin:
        return SerializerPlugin(make=lambda config: None)
"""
"""A serializer that is good enough to be loaded."""


class Site:
    """A folder of installed distributions on the import path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: set[str] = set()

    def install(
        self, distribution: str, version: str, points: dict[str, str], requires: tuple[str, ...] = (), **modules: str
    ) -> None:
        """Install a distribution with entry points `{"serializers:mine": "module"}` and modules as source."""
        info = self._folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}")
        lines = ""
        for point, value in points.items():
            group, name = point.split(":")
            lines += f"[partisan.{group}]\n{name} = {value}\n"
        (info / "entry_points.txt").write_text(lines)
        for module, source in modules.items():
            self.write(module, source)

    def write(self, module: str, source: str) -> None:
        """Put a module on the import path that no distribution owns."""
        (self._folder / f"{module}.py").write_text(dedent(source))
        self._modules.add(module)

    def install_serializer(self, source: str = SERIALIZER) -> None:
        """Install the serializer `mine` of the distribution acme-mine 1.2."""
        self.install("acme-mine", "1.2", {"serializers:mine": "acme_mine"}, acme_mine=source)

    def forget(self) -> None:
        """Take its modules out of the interpreter."""
        for module in self._modules:
            sys.modules.pop(module, None)
