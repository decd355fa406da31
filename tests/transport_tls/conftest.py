from pathlib import Path

import pytest

from tests.transport_tls.authorities import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom the nodes of a test have their certificates from."""
    return Authority(tmp_path)
