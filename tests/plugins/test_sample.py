"""The sample distribution of the repository: a channel that somebody else could have written."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from netpromoter.plugins import Channel, load_plugins

SAMPLE = Path(__file__).parents[2] / "examples" / "netpromoter-teletype"

pytestmark = pytest.mark.skipif(
    find_spec("netpromoter_teletype") is None,
    reason="the sample is not installed: pip install --editable examples/netpromoter-teletype",
)


def test_it_is_found_by_its_entry_point(tmp_path):
    """Nothing but its installation makes it known, and its row says where it comes from."""
    plugins = load_plugins()
    (row,) = [row for row in plugins.rows() if row["plugin"] == "teletype"]
    assert row["from"].startswith("netpromoter-teletype ")
    assert row["channels"] == "teletype"
    assert isinstance(plugins.channel("teletype", tape=tmp_path / "tape.txt"), Channel)


def test_without_entry_points_it_is_unknown():
    """What happens to be installed counts only where it is asked for."""
    assert "teletype" not in load_plugins(entry_points=False).channels


def test_its_own_tests_pass(tmp_path):
    """As its author runs them: the contract of channels, and what is particular to a teletype."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", str(SAMPLE)]
    done = subprocess.run([*command, str(SAMPLE / "tests")], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
