"""Backbones and heads of an entry, with the weights of files that the user brings, or with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.entries.model import Weights, no_file, weights_of
from abawbench.models.image_input import Overrides

if TYPE_CHECKING:
    from torch import nn

    from abawbench.models.backbones.model import Backbone

BRING = 'add weights = {file = "..."}, or seed = 0 for a network that knows nothing'


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights that a user brings.

    Attributes:
        file: path of the file.
        sha256: hash that it must have; empty for any.
        licence: licence of the weights, as SPDX id or in words.
        source: place where the file is published.
    """

    file: Path
    sha256: str = ""
    licence: str = ""
    source: str = ""

    def on_card(self, role: str) -> Weights:
        """Describe the file for a card. Raises: ProblemError E11 there is no such file, E04 its hash is another."""
        return weights_of(role, self.file, sha256=self.sha256, licence=self.licence, source=self.source)


@dataclass(frozen=True, slots=True)
class BackboneSettings(Overrides):
    """Settings of a backbone: its kind, its file, and the values that replace those of its preset or file.

    Attributes:
        kind: kind of backbone, as `iresnet50`; where it is given, a file of weights must be of this kind.
        weights: checkpoint of any kind that `load_checkpoint` reads; without one the weights are random.
    """

    kind: str = ""
    weights: WeightsFile | None = None


def make_backbone(
    settings: BackboneSettings, role: str, seed: int | None
) -> tuple[Backbone, Weights | None, dict[str, Any]]:
    """Make a backbone, the description of its file, and the facts about it for a card.

    Args:
        settings: settings of the backbone.
        role: purpose of the backbone in the entry, as `trunk`.
        seed: seed of random weights; None where weights must come from a file.

    Raises:
        ProblemError: E11 there is neither a file nor a seed; E04 E08 E09 E10 the file cannot be read, or holds another
            network; E01 E17 the settings are wrong.
    """
    from abawbench.models import backbones

    overrides = settings.over(Overrides())
    if settings.weights is not None:
        from abawbench.models.checkpoints import load_checkpoint

        file = settings.weights.on_card(role)
        loaded = load_checkpoint(settings.weights.file, overrides=overrides)
        if settings.kind and loaded.kind != settings.kind:
            fix = "bring the weights of that kind, or correct the kind"
            place = str(settings.weights.file)
            raise ProblemError(Problem("E08", f"weights of {loaded.kind}", settings.kind, fix, place))
        return loaded.backbone, file, {"role": role, **loaded.facts(), **loaded.backbone.card.to_json()}
    if seed is None:
        found = f"no weights for {role} ({settings.kind})"
        raise ProblemError(Problem("E11", found, "a file of weights", BRING))
    backbone = backbones.build(settings.kind, seed=seed, overrides=overrides)
    return backbone, None, {"role": role, **backbone.card.to_json()}


def fill_heads(module: nn.Module, weights: WeightsFile | None, seed: int | None) -> tuple[Weights, ...]:
    """Put the weights of a file into the heads of an entry, and describe the file for a card.

    Raises:
        ProblemError: E11 there is neither a file nor a seed, E04 or E08 the file holds other tensors.
    """
    problems = missing_heads(weights, seed)
    if problems:
        raise ProblemError(*problems)
    if weights is None:
        return ()
    file = weights.on_card("heads")
    load_state(module, weights.file)
    return (file,)


def missing_heads(weights: WeightsFile | None, seed: int | None) -> tuple[Problem, ...]:
    """E11 for heads that have neither a file that is there nor a seed."""
    if weights is None:
        return () if seed is not None else (Problem("E11", "no weights for the heads", "a file of weights", BRING),)
    return () if weights.file.is_file() else (no_file(weights.file, weights.source),)


def load_state(module: nn.Module, path: Path) -> None:
    """Put the tensors of a file into a module that has the same tensors.

    Raises:
        ProblemError: E04 the file is no safetensors file, E08 every tensor that is missing, surplus or misshapen.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        expected = "a safetensors file"
        raise ProblemError(Problem("E04", str(error), expected, "convert or copy it again", str(path))) from error
    wanted = module.state_dict()
    problems = Problems()
    for name in sorted(wanted.keys() | found.keys()):
        shape, other = (tuple(part[name].shape) if name in part else None for part in (wanted, found))
        if shape != other:
            had, expected = (f"{name} {'missing' if size is None else size}" for size in (other, shape))
            wish = f"no {name}" if shape is None else expected
            problems.add(Problem("E08", had, wish, "bring the weights of this very network", str(path)))
    problems.raise_if_any()
    module.load_state_dict(found)
