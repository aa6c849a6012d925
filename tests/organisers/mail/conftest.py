from __future__ import annotations

from pathlib import Path

import pytest

from tests.organisers.mail.mails import VA, Place, place_of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_of(tmp_path)


@pytest.fixture
def of_units(tmp_path: Path) -> Place:
    return place_of(tmp_path, VA)
