"""Loads tensors by the names that transformers writes, with the configuration of their network."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides, vision
from abawbench.models.backbones.vision import Config
from abawbench.models.checkpoints.fit import Fitted, Preset, is_weight, missing_tensors, wrong_shape, wrong_type
from abawbench.models.checkpoints.left_over import check_left_over, is_needless

# first parts of the names on disk, which the installed version may have renamed in memory
_MODULES = ("embeddings.", "encoder.", "layers.", "layernorm.", "stages.")


def fit_vision(
    kind: str, config: Config, preset: Preset, overrides: Overrides, tensors: Mapping[str, Tensor]
) -> Fitted:
    """Load a network of transformers, by names that this version writes or that older ones wrote.

    Args:
        kind: name for the card.
        config: configuration of the network.
        preset: pictures that it takes.
        overrides: values that replace those of the preset.
        tensors: weights by name; those of a task's own network may have a prefix, as `vit.`.

    Raises:
        ProblemError: E08 tensors missing, left over, of another shape or number type; what `vision.load` raises.
    """
    network, misfit = vision.load(kind, config, preset.image_input, overrides, tensors)
    missing = [name for name in misfit.missing if not is_needless(name)]
    problems = [missing_tensors(missing, kind)] if missing else []
    problems += [wrong_shape(name, found, expected) for name, found, expected in misfit.shapes]
    problems += [
        wrong_type(name, tensor)
        for name, tensor in tensors.items()
        if not is_weight(tensor) and not is_needless(name) and name not in misfit.unexpected
    ]
    if not problems:
        own = [*network.network.state_dict(), *_MODULES]
        problems += check_left_over(_inside(misfit.unexpected, tensors, network), own, kind)
    if problems:
        raise ProblemError(*problems)
    return Fitted(network, misfit.missing, misfit.unexpected, preset.source, preset.assumed)


def _inside(unexpected: tuple[str, ...], tensors: Mapping[str, Tensor], network: vision.Vision) -> list[str]:
    """The names left over that may belong to the network itself: all, or those with the prefix of its name."""
    prefix = f"{getattr(network.network, 'base_model_prefix', '')}."
    if prefix == "." or not any(name.startswith(prefix) for name in tensors):
        return list(unexpected)
    # what else a task's network of transformers has reads the one that it is built on
    return [name.removeprefix(prefix) for name in unexpected if name.startswith(prefix)]
