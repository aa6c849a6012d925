from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn

from tests.models.shaking import one_thread, shake

__all__ = ["one_thread"]


@pytest.fixture
def shaken() -> Callable[..., nn.Module]:
    return shake
