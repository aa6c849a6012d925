"""What may be chosen where two tasks are learned together. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from abawbench.models.coupling_settings import MatchingOptions, SoftLabelOptions

Term = Literal["hard_co_annotation", "soft_co_annotation", "distribution_matching"]


@dataclass(frozen=True, slots=True)
class CoupledSettings:
    """How a task of classes and one of labels teach each other.

    Attributes:
        terms: which of the three ways; the papers use the last two together (assumed(paper)).
        classes: name of the task of which a picture has one class.
        labels: name of the task of which a picture has many labels.
        relatedness: of classes and labels, from the `expert` table of Du et al. 2014, or `estimated` on the training
            split.
        least_rows: a class of fewer rows is not known, where estimated (assumed).
        threshold: a share that is not above this is 0, where estimated (value assumed).
        matching_weights: `binary` counts what is above 0 as 1, `table` keeps the shares; in distribution matching.
        soft_weights: the same in soft co-annotation.
        matching: options of distribution matching.
        soft: options of soft co-annotation.

    Raises:
        ValueError: a number out of range, or a term twice.
    """

    terms: tuple[Term, ...] = ("soft_co_annotation", "distribution_matching")
    classes: str = "expression"
    labels: str = "action_units"
    relatedness: Literal["expert", "estimated"] = "expert"
    least_rows: int = 10
    threshold: float = 0.1
    matching_weights: Literal["binary", "table"] = "binary"
    soft_weights: Literal["binary", "table"] = "table"
    matching: MatchingOptions = field(default_factory=MatchingOptions)
    soft: SoftLabelOptions = field(default_factory=SoftLabelOptions)

    def __post_init__(self) -> None:
        if len(set(self.terms)) < len(self.terms):
            raise ValueError(f"terms = {self.terms} has one twice")
        if self.least_rows < 1:
            raise ValueError(f"least_rows = {self.least_rows} is not at least 1")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold = {self.threshold:g} is not from 0 to below 1")
