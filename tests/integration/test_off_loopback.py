"""Off loopback for real: an address of another network, in a network namespace that nobody else sees."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ADDRESS = "10.9.8.1"
NAMESPACE = ("unshare", "--map-root-user", "--net")
PREPARE = f"ip link set lo up && ip address add {ADDRESS}/32 dev lo"


def is_allowed() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run([*NAMESPACE, "sh", "-c", PREPARE], capture_output=True).returncode == 0


@pytest.mark.skipif(not is_allowed(), reason="this machine allows no network namespaces of one's own")
def test_off_loopback_only_who_has_the_secret_listens_and_joins(tmp_path: Path) -> None:
    node = [sys.executable, "-m", "tests.integration.off_loopback", ADDRESS, str(tmp_path)]
    command = [*NAMESPACE, "sh", "-c", f'{PREPARE} && exec "$@"', "sh", *node]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    seen: dict[str, Any] = json.loads(run.stdout)
    assert "no secret" in seen["naked"]
    assert "secret_files" in seen["naked"]
    assert seen["heard"] == "hello"
    assert "do not hold the same secret" in seen["stranger"]
    assert seen["counted"] == 1
    assert seen["neighbours"] == ["beta"]
