"""Stops the run with a clear word when the packages are not installed in this environment.

The folder `partisan_core/` has the name of the import, so without an installation `import partisan_core`
would find an empty namespace package here, and every test would fail in a way that explains nothing.
"""

from importlib.util import find_spec

import pytest

_spec = find_spec("partisan_core")
if _spec is None or _spec.origin is None:
    pytest.exit("partisan_core is not installed in this environment: run the tests with `uv run pytest`", 4)
