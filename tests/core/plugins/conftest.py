import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.plugins.site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(tmp_path)
    site = Site(tmp_path)
    yield site
    site.forget()
    importlib.invalidate_caches()
