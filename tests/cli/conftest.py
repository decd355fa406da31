from pathlib import Path

import pytest

from tests.cli.nodes import Machine
from tests.core.plugins.conftest import site as site


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
