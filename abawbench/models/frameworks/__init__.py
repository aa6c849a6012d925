"""Multi-task frameworks: layers that outputs share, and feedback between outputs. Needs torch only to build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings
from abawbench.models.temporal.settings import TemporalSettings

if TYPE_CHECKING:
    from abawbench.models.frameworks.networks import MultiTaskNetwork

__all__ = ["FrameworkSettings", "HeadSettings", "MultiTaskNetwork", "build_network"]


def build_network(
    feature_width: int,
    outputs: Mapping[str, int],
    temporal: TemporalSettings,
    framework: FrameworkSettings,
    heads: HeadSettings,
    *,
    seed: int | None = None,
) -> MultiTaskNetwork:
    """Build a network with random weights, in training mode, on torch's default device.

    Args:
        feature_width: number of features of a frame.
        outputs: width of each output by its name, in the order of the answers.
        temporal: settings of the sequence encoder.
        framework: settings of the layers that are shared.
        heads: settings of the heads.
        seed: seed of the weights, which leaves torch's own random state as it was; None draws from that state.

    Raises:
        ProblemError: E17, every fault of the settings.
    """
    from abawbench.models.frameworks.networks import new_network

    return new_network(feature_width, outputs, temporal, framework, heads, seed=seed)


def __getattr__(name: str) -> object:
    if name == "MultiTaskNetwork":
        from abawbench.models.frameworks import networks

        return networks.MultiTaskNetwork
    raise AttributeError(name)
