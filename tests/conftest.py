"""Laws are drawn from fixed seeds and timed by nobody; tests of real faces run where these are."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, settings

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, Challenge, lookup
from examples.real_data import VARIABLE, real_data

settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("house"), max_examples=20)
settings.load_profile("house")


@functools.cache
def has_real_data() -> bool:
    try:
        real_data()
    except ProblemError:
        return False
    return True


if has_real_data():
    # the detector's weights, for the tests here and for the processes that they start
    os.environ.setdefault("ABAWBENCH_YUNET", str((real_data() / "weights" / "yunet_n_dynamic.onnx").resolve()))


@pytest.fixture
def catalogue_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mapping[str, Challenge]]:
    """Adds challenges to the catalogue, or replaces them, for the rooms that look an id up."""

    def patched(*challenges: Challenge) -> Mapping[str, Challenge]:
        more = {**CHALLENGES, **{challenge.id: challenge for challenge in challenges}}
        monkeypatch.setattr("abawbench.challenges.catalogue.CHALLENGES", more)
        return more

    return patched


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `real_data` where the data are not."""
    if item.get_closest_marker("real_data") and not has_real_data():
        pytest.skip(
            f"no real faces here: set {VARIABLE} to the folder that holds faces/, videos/, labels/ and weights/"
        )


def pytest_runtest_teardown() -> None:
    """Forget the challenges that a test has read by their path."""
    lookup._named.clear()  # pyright: ignore[reportPrivateUsage]
