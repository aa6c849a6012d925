"""Settings of couplings, where a task of classes and one of labels teach each other, and of FaceBehaviorNet.

Needs no torch.
"""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

from abawbench.base.problems import Problem, ProblemError

Term = Literal["hard_co_annotation", "soft_co_annotation", "distribution_matching", "likelihood"]
# what an entry declares: no coupling, one term, or several
Declared = Literal["none"] | Term | tuple[Term, ...]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=_STRICT)
class MatchingOptions:
    """Options of distribution matching, the distance between p, the labels' probabilities, and q, the implied ones.

    One of the two is the target t, the other the answer r. Defaults are assumed.

    Attributes:
        form: form of the distance; `two_sided` is -t log r - (1 - t) log(1 - r); `one_sided` is -t log r, which does
            not pull r towards t.
        subtract_target_entropy: True to subtract the value that the form has at r = t. Two-sided, this leaves the
            divergence of two coins, the only form whose minimum is where both agree, whichever side moves.
        target: which of the two is the target; `labels`, t = p: the labels teach the classes; `classes`, t = q;
            `symmetric`, the mean of both.
        stop_gradient: True to keep the target from moving towards the answer.
        reduction: reduction over the labels; over the pictures it is always the mean.
    """

    form: Literal["two_sided", "one_sided"] = "two_sided"
    subtract_target_entropy: bool = True
    target: Literal["labels", "classes", "symmetric"] = "labels"
    stop_gradient: bool = False
    reduction: Literal["mean", "sum"] = "mean"


@dataclass(frozen=True, slots=True, config=_STRICT)
class SoftLabelOptions:
    """Options of soft co-annotation: how labels become probabilities of classes.

    Attributes:
        temperature: divisor of the scores, above 0; 1 in the papers (assumed(paper)), and lower is sharper.
        without_profile: score of a class that shows no label, as Neutral: `zero`, or the `complement` to 1 of the
            strongest label (assumed).
    """

    temperature: Annotated[float, Field(gt=0)] = 1.0
    without_profile: Literal["zero", "complement"] = "zero"


@dataclass(frozen=True, slots=True, config=_STRICT)
class LikelihoodOptions:
    """Options of likelihood coupling.

    Attributes:
        power: power of the labels' likelihood given the class, from 0 to 1: 1 where labels are independent given the
            class, less where they depend on each other and would be counted several times; 0 removes the labels.
        pseudo_rows: number of rows of base rates that every row of the table is mixed with (value assumed).
        given_rows: number of rows that a row of a table without counts is worth, as the expert's (assumed).
        learned: True to learn the table further on the training labels; it is kept where it explains held-out training
            rows better.
    """

    power: Annotated[float, Field(ge=0, le=1)] = 1.0
    pseudo_rows: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2.0
    given_rows: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    learned: bool = False


@dataclass(frozen=True, slots=True, config=_STRICT)
class CouplingSettings:
    """Settings of a coupling.

    Attributes:
        terms: terms of the coupling; the papers use soft co-annotation and distribution matching together
            (assumed(paper)).
        classes: name of the task that gives a picture one class.
        labels: name of the task that gives a picture many labels.
        relatedness: source of the table of classes and labels, where `table` names none: the `expert` table of Du et
            al. 2014, or `estimated` on the training split.
        table: file of an own table, .csv or .toml; see `abawbench.models.relatedness_files`.
        least_rows: rows below which a class counts as not known, where the table is estimated (assumed).
        threshold: share up to which a cell counts as 0, where the table is estimated (value assumed); likelihood
            coupling counts every row and cell, since it mixes the table with base rates.
        ramp_epochs: epochs in which the weight of the coupling rises from 0 to 1; 0 for the whole weight at once.
        picture_weights: weights of pictures in the coupling: `equal`, or by `confidence`, which is 1 - entropy /
            log(number of classes) of the classes that a term takes a picture to have; a class that a person named, and
            one that hard co-annotation found, are sure.
        matching_weights: table for distribution matching; `table` keeps the shares, `binary` counts what is above 0 as
            1, as the papers do (assumed(paper)).
        soft_weights: table for soft co-annotation, with the same choice.
        matching: options of distribution matching.
        soft: options of soft co-annotation.
        likelihood: options of likelihood coupling.
    """

    terms: tuple[Term, ...] = ("likelihood",)
    classes: str = "expression"
    labels: str = "action_units"
    relatedness: Literal["expert", "estimated"] = "expert"
    table: Path | None = None
    least_rows: Annotated[int, Field(ge=1)] = 10
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.1
    ramp_epochs: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    picture_weights: Literal["equal", "confidence"] = "equal"
    matching_weights: Literal["binary", "table"] = "table"
    soft_weights: Literal["binary", "table"] = "table"
    matching: MatchingOptions = field(default_factory=MatchingOptions)
    soft: SoftLabelOptions = field(default_factory=SoftLabelOptions)
    likelihood: LikelihoodOptions = field(default_factory=LikelihoodOptions)

    @field_validator("terms")
    @classmethod
    def _each_once(cls, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        if len(set(terms)) < len(terms):
            raise ValueError("each term once")
        return terms


def terms_of(declared: Declared) -> tuple[Term, ...]:
    """The terms that an entry declares; none for `none`."""
    if isinstance(declared, str):
        return () if declared == "none" else (declared,)
    return tuple(declared)


def resolve_coupling(declared: Declared, chosen: CouplingSettings | None, file: str) -> CouplingSettings | None:
    """The coupling that an entry is trained with; None without one.

    Args:
        declared: `settings.coupling` of the entry, the short form: terms with default options, or `none`.
        chosen: `training.coupling` of the entry, the long form, which alone counts where it has these terms too.
        file: file of the entry.

    Raises:
        ProblemError: E19, the two forms contradict each other: the card would declare what was not trained.
    """
    terms = terms_of(declared)
    if not terms:
        return chosen
    if chosen is None:
        return CouplingSettings(terms)
    if not set(terms) <= set(chosen.terms):
        found = f"settings.coupling = {', '.join(terms)}, training.coupling.terms = {', '.join(chosen.terms)}"
        raise ProblemError(Problem("E19", found, "the same coupling in both", "correct one of them", file))
    return chosen


@dataclass(frozen=True, slots=True, config=_STRICT)
class FaceBehaviorSettings:
    """Settings of the heads of FaceBehaviorNet.

    Attributes:
        valence_arousal: `tanh` keeps valence and arousal between -1 and 1, where labels lie (assumed); `linear` is the
            original's (assumed(paper)).
        dropout: share of the features that training drops before the heads. The papers drop half (assumed(paper)),
            which a VGG-FACE trunk does itself; give other trunks .5.
    """

    valence_arousal: Literal["tanh", "linear"] = "tanh"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
