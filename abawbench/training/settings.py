"""What a training is told: the table `[training]` of an entry.toml. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from abawbench.base.problems import Problem, ProblemError
from abawbench.entries.entry_file import read_settings
from abawbench.models.settings import MatchingOptions, SoftLabelOptions
from abawbench.training.loss_settings import LossSettings, WeightingSettings

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """How weights move.

    Attributes:
        kind: `adamw`, or `adam` with a penalty of the squared weights.
        rate: of learning, at its highest.
        backbone_rate: of what looks at crops; `rate` where not given.
        betas: of the moments.
        weight_decay: of matrices and kernels; biases and scales are let be (assumed).
        clip: largest norm of a gradient; 0 for any.
        clip_over: the gradient of the `whole`, or of each of its `parts` by itself, as AIM3-RUC does.
        ema: decay of a moving average of the weights, which is validated and kept instead of them; 0 for none.
    """

    kind: Literal["adamw", "adam"] = "adamw"
    rate: float = 1e-3
    backbone_rate: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    clip: float = 0.0
    clip_over: Literal["whole", "parts"] = "whole"
    ema: float = 0.0


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """How the rate changes; see `abawbench.training.optimisers.factor`.

    Attributes:
        kind: `constant`; `cosine`; `linear`, the schedule of AIM3-RUC by epochs.
        warmup_epochs: in which the rate rises; parts of an epoch only where the kind is not `linear`.
        decay_epochs: the last ones, in which a `linear` rate falls; all behind the warm-up where not given.
        final: share of the rate at the end of `cosine`.
        mode: `compat` begins a linear warm-up with an epoch of rate 0, as released (F9 of aim3_mtl).
    """

    kind: Literal["constant", "cosine", "linear"] = "cosine"
    warmup_epochs: float = 0.0
    decay_epochs: int | None = None
    final: float = 0.0
    mode: Literal["fixed", "compat"] = "fixed"


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """A training.

    Attributes:
        epochs: passes over the training split.
        seed: of weights that come from no file, order, augmentation and dropout.
        batch: frames in a step.
        videos: in a step where a recurrent encoder learns whole videos, a segment a step, and carries its state from
            one to the next; 0 has it learn segments by themselves.
        precision: of the forward pass; weights are float32.
        freeze_backbone: whether what looks at crops stays as it is.
        patience: epochs without a better official score after which training ends; 0 for all epochs.
        dataset: name of the data on the card of the trained entry; the challenge's, or that of the synthetic corpus,
            where not given.
        licence: of the trained weights; the terms of the data where not given.
        optimiser: how weights move.
        schedule: how the rate changes.
        losses: by task; a task that is not named has the usual loss of its kind.
        weighting: how the losses of the tasks are added.
        coupling: of a task of classes and one of labels; None for none, or for what the entry's `coupling` says.
        augmentation: of crops; None for none.
        mixing: of single frames, MixAugment; None for none.
        balance: task whose classes, labels or values single frames are drawn alike by; empty to see each frame once.
        databases: `labels` fills each step of single frames from every set of tasks that rows are labelled for, in
            proportion; `one` mixes all rows.
    """

    epochs: int = 20
    seed: int = 0
    batch: int = 256
    videos: int = 0
    precision: Precision = "float32"
    freeze_backbone: bool = False
    patience: int = 0
    dataset: str = ""
    licence: str = ""
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    losses: Mapping[str, LossSettings] = field(default_factory=dict[str, LossSettings])
    weighting: WeightingSettings = field(default_factory=WeightingSettings)
    coupling: CoupledSettings | None = None
    augmentation: AugmentationSettings | None = None
    mixing: MixingSettings | None = None
    balance: str = ""
    databases: Literal["one", "labels"] = "one"


def read_training(given: dict[str, Any], path: Path) -> TrainingSettings:
    """The settings of an entry's table `[training]`.

    Raises:
        ProblemError: E02 unknown fields and values of another type, E19 values out of range.
    """
    settings: TrainingSettings = read_settings(TrainingSettings, given, path, table="training")
    problems = tuple(_out_of_range(settings, str(path)))
    if problems:
        raise ProblemError(*problems)
    return settings


def _out_of_range(settings: TrainingSettings, file: str) -> Iterable[Problem]:
    optimiser, schedule = settings.optimiser, settings.schedule
    ranges = (
        ("epochs", settings.epochs, 1, None),
        ("seed", settings.seed, 0, None),
        ("batch", settings.batch, 1, None),
        ("videos", settings.videos, 0, None),
        ("patience", settings.patience, 0, None),
        ("optimiser.rate", optimiser.rate, 0, None),
        ("optimiser.backbone_rate", optimiser.backbone_rate or 0, 0, None),
        ("optimiser.betas", min(optimiser.betas), 0, None),
        ("optimiser.betas", max(optimiser.betas), None, 1),
        ("optimiser.weight_decay", optimiser.weight_decay, 0, None),
        ("optimiser.clip", optimiser.clip, 0, None),
        ("optimiser.ema", optimiser.ema, 0, 1),
        ("schedule.warmup_epochs", schedule.warmup_epochs, 0, settings.epochs),
        ("schedule.decay_epochs", schedule.decay_epochs or 0, 0, settings.epochs + 1),
        ("schedule.final", schedule.final, 0, None),
    )
    for name, value, least, below in ranges:
        if (least is not None and not value >= least) or (below is not None and not value < below):
            bounds = [f"{least} or more"] * (least is not None) + [f"below {below}"] * (below is not None)
            expected = " and ".join(bounds)
            yield Problem("E19", f"training.{name} = {value:g}", expected, "correct the setting", file)


@dataclass(frozen=True, slots=True)
class AugmentationSettings:
    """Random changes of crops; those that are 0 are not made.

    Attributes:
        shared: whether a change is drawn for each `frame`, or for all frames of a `clip` alike.
        flip: how often left and right change places, from 0 to 1.
        rotation: at most, in degrees, to either side.
        translation: at most, as a share of the side, in every direction.
        scale: at most; .1 for sizes from .9 to 1.1.
        brightness: at most; .2 for factors from .8 to 1.2.
        contrast: as brightness, about the mean of the crop.
        saturation: as brightness; 0 would be grey.
        grey: how often colours are lost, from 0 to 1.
        blur: how often a crop is blurred, from 0 to 1, by a deviation of .1 to 2 pixels.
        erase: how often a rectangle of 2 to 20 % of the crop is blackened, from 0 to 1.

    Raises:
        ValueError: a number out of range.
    """

    shared: Literal["frame", "clip"] = "frame"
    flip: float = 0.5
    rotation: float = 0.0
    translation: float = 0.0
    scale: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "translation", "brightness", "contrast", "saturation", "grey", "blur", "erase"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name):g} is not from 0 to 1")
        if not 0 <= self.scale < 1:
            raise ValueError(f"scale = {self.scale:g} is not from 0 to below 1")
        if not 0 <= self.rotation <= 180:
            raise ValueError(f"rotation = {self.rotation:g} is not from 0 to 180")


@dataclass(frozen=True, slots=True)
class MixingSettings:
    """MixAugment: mixtures of two crops learn beside the crops themselves.

    Attributes:
        alpha: of the Beta distribution that the share of the first crop is drawn from (value assumed).
        virtual: weight of the loss of the mixtures.
        real: weight of the losses of the crops that were mixed.

    Raises:
        ValueError: a number out of range.

    Source: arXiv:2205.04442, form assumed(paper).
    """

    alpha: float = 0.2
    virtual: float = 1.0
    real: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha = {self.alpha:g} is not above 0")
        for name in ("virtual", "real"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} = {getattr(self, name):g} is not at least 0")


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
