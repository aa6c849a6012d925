"""Laws are drawn from fixed seeds and timed by nobody; tests of real faces run where these are."""

from __future__ import annotations

import functools

import pytest
from hypothesis import HealthCheck, settings

from abawbench.data.real import VARIABLE, real_data
from abawbench.errors import ProblemError

settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@functools.cache
def has_real_data() -> bool:
    try:
        real_data()
    except ProblemError:
        return False
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `real_data` where the data are not."""
    if item.get_closest_marker("real_data") and not has_real_data():
        pytest.skip(
            f"no real faces here: set {VARIABLE} to the folder that holds faces/, videos/, labels/ and weights/"
        )
