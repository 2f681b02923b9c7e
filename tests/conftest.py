"""Fixtures for every test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import pytest

# Test modules are imported one by one (importlib mode); this lets them share `layouts`, the generated data sets.
sys.path.insert(0, str(Path(__file__).parent))

# Each worker compiles librosa's loops for itself: two that write one cache at once leave code that crashes.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / f"numba-{_WORKER}")

# How long an example takes says more about the machine than about the code.
# The same examples every time: a change must not fail for a reason that was there before it.
hypothesis.settings.register_profile("soundsieve", deadline=None, derandomize=True)
hypothesis.settings.load_profile("soundsieve")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings beside the project; the test is skipped where it is absent."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real recordings are not on this machine ({folder})")
    return folder


@pytest.fixture(scope="session")
def tiny_selector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained selector for dog (always present), finger_snapping and rain (never present) at 8 kHz."""
    from networks import tiny_checkpoint

    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")
