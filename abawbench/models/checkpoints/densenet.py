"""Files of DenseNet121, by the names of torchvision and timm, and of DenseFace."""

from __future__ import annotations

import re

from torch import Tensor

from abawbench.models.backbones import Overrides
from abawbench.models.checkpoints.fit import (
    Branch,
    Detected,
    Fitted,
    Layout,
    Preset,
    build_kind,
    depth_of,
    fit_own,
    unknown_network,
)

_KINDS: dict[tuple[int, ...], str] = {
    (6, 12, 24, 16): "densenet121",
    (6, 12, 36, 24): "densenet161",
    (6, 12, 32, 32): "densenet169",
    (6, 12, 48, 32): "densenet201",
}
_LEGACY = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


def current_name(name: str) -> str:
    """The name that torchvision gives a tensor of DenseNet today.

    >>> current_name("features.denseblock1.denselayer2.norm.1.weight")
    'features.denseblock1.denselayer2.norm1.weight'
    """
    return _LEGACY.sub(r"\1\2", name)


def _detect(branch: Branch) -> Detected:
    tensors = _current(branch)
    layers: list[int] = []
    while count := depth_of(tensors, rf"features\.denseblock{len(layers) + 1}\.denselayer(\d+)\."):
        # layers are counted from 1
        layers.append(count - 1)
    stem = tuple(tensors["features.conv0.weight"].shape)
    if stem == (24, 1, 3, 3):
        return Detected("denseface100", "AIM3-RUC/MEmoBert")
    kind = _KINDS.get(tuple(layers), f"DenseNet with blocks of {layers}")
    if kind == "densenet121" and stem == (64, 3, 7, 7):
        return Detected(kind, "torchvision")
    found = f"{kind} with a stem of shape {stem}"
    raise unknown_network(found, "densenet121 or denseface100", "name another file")


def _fit(branch: Branch, detected: Detected, preset: Preset | None, overrides: Overrides) -> Fitted:
    # programs that train such networks on data of their own keep the names
    assumed = ("mean", "std") if detected.kind == "denseface100" else ("size", "mean", "std")
    return fit_own(build_kind(detected.kind), _current(branch), preset, overrides, assumed=assumed)


def _current(branch: Branch) -> dict[str, Tensor]:
    return {current_name(name): tensor for name, tensor in branch.tensors.items()}


DENSENET = Layout(
    "DenseNet121 or DenseFace",
    ("features.conv0.weight",),
    ("features.denseblock1.denselayer1.conv1.weight",),
    _detect,
    _fit,
)
