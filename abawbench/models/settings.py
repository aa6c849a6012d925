"""What may be chosen where two tasks teach each other. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MatchingOptions:
    """How far apart the labels' own probabilities p and those that the classes imply, q, are said to be.

    Of the two one is the target t, the other the answer r. Defaults are assumed.

    Attributes:
        form: `two_sided` is -t log r - (1 - t) log(1 - r); `one_sided` is -t log r, which does not pull r towards t.
        subtract_target_entropy: takes off what the form says of r = t; two-sided, that leaves the divergence of two
            coins, which alone has its minimum where both agree, whichever side moves.
        target: `labels`, t = p: the labels teach the classes; `classes`, t = q; `symmetric`, the mean of both.
        stop_gradient: True keeps the target from moving towards the answer.
        reduction: over the labels; over the pictures it is always the mean.
    """

    form: Literal["two_sided", "one_sided"] = "two_sided"
    subtract_target_entropy: bool = True
    target: Literal["labels", "classes", "symmetric"] = "labels"
    stop_gradient: bool = False
    reduction: Literal["mean", "sum"] = "mean"


@dataclass(frozen=True, slots=True)
class SoftLabelOptions:
    """How labels become probabilities of classes.

    Attributes:
        temperature: above 0; scores are divided by it; 1 in the papers (assumed(paper)), and lower is sharper.
        without_profile: score of a class that shows no label, as Neutral: `zero`, or the `complement` to 1 of the
            strongest label (assumed).

    Raises:
        ValueError: a temperature that is not above 0.
    """

    temperature: float = 1.0
    without_profile: Literal["zero", "complement"] = "zero"

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature = {self.temperature:g} is not above 0")


@dataclass(frozen=True, slots=True)
class FaceBehaviorSettings:
    """How the heads stand on the trunk.

    Attributes:
        valence_arousal: `tanh` keeps valence and arousal between -1 and 1, where labels lie (assumed); `linear` is the
            original's (assumed(paper)).
        dropout: share of the features that training drops before the heads, from 0 to below 1. The papers drop half
            (assumed(paper)), which a VGG-FACE trunk does itself; give other trunks .5.

    Raises:
        ValueError: a dropout out of range.
    """

    valence_arousal: Literal["tanh", "linear"] = "tanh"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout:g} is not from 0 to below 1")
