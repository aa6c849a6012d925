"""What a training is told: the table `[training]` of an entry.toml. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from abawbench.entries.entry_file import read_settings
from abawbench.errors import Problem, ProblemError
from abawbench.training.augmentation_settings import AugmentationSettings, MixingSettings
from abawbench.training.coupled_settings import CoupledSettings
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
    """How the rate changes; see `abawbench.training.schedule.factor`.

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
