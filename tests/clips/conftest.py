from __future__ import annotations

from pathlib import Path

import pytest

from tests.inference.conftest import write_crops


@pytest.fixture
def crops(tmp_path) -> Path:
    return write_crops(tmp_path / "crops", {"one": 5, "three": 9, "two": 1})
