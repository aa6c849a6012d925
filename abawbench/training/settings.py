"""Settings of a training: the table `[training]` of an entry.toml. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.entries.entry_file import read_settings
from abawbench.models.settings import CouplingSettings

LossKind = Literal["ccc", "mse", "cross_entropy", "focal", "bce"]
Precision = Literal["float32", "bfloat16"]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=0)]
CountFromOne = Annotated[int, Field(ge=1)]
_STRICT = ConfigDict(extra="forbid")
# settings of a training that ridge regression heeds
WITH_RIDGE = ("ridge", "seed", "dataset", "licence")


@dataclass(frozen=True, slots=True, config=_STRICT)
class OptimiserSettings:
    """Settings of the optimiser.

    Attributes:
        kind: kind of optimiser: `adamw`, or `adam`, whose weight decay is a penalty on the squared weights.
        rate: highest learning rate.
        backbone_rate: highest learning rate of the backbones; None for `rate`.
        betas: decay of the two moments.
        weight_decay: decay of matrices and kernels; biases and scales have none (assumed).
        clip: largest norm of a gradient; 0 for any.
        clip_over: norm that is clipped: of the `whole` gradient, or of each of its `parts` by itself, as AIM3-RUC does.
        ema: decay of a moving average of the weights, which is validated and kept instead of them; 0 for none.
    """

    kind: Literal["adamw", "adam"] = "adamw"
    rate: NonNegative = 1e-3
    backbone_rate: NonNegative | None = None
    betas: tuple[ShareBelowOne, ShareBelowOne] = (0.9, 0.999)
    weight_decay: NonNegative = 0.01
    clip: NonNegative = 0.0
    clip_over: Literal["whole", "parts"] = "whole"
    ema: ShareBelowOne = 0.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class ScheduleSettings:
    """Settings of the learning rate's schedule; see `abawbench.training.optimisers.schedule_factor`.

    Attributes:
        kind: kind of schedule: `constant`; `cosine`; `linear`, the schedule of AIM3-RUC by epochs; `drops`, constant
            between epochs in which it drops, as FERSNet's.
        warmup_epochs: epochs in which the rate rises; a fraction counts only where the kind is not `linear`.
        decay_epochs: number of last epochs in which a `linear` rate falls; None for all after the warm-up.
        final: share of the rate at the end of `cosine`.
        drops: numbers of the epochs, from 1, after which `drops` multiplies the rate by .1.
        mode: `compat` starts a linear warm-up with an epoch of rate 0, as released (F9 of aim3_mtl); `fixed` does not.
    """

    kind: Literal["constant", "cosine", "linear", "drops"] = "cosine"
    warmup_epochs: NonNegative = 0.0
    decay_epochs: Count | None = None
    final: NonNegative = 0.0
    drops: tuple[CountFromOne, ...] = ()
    mode: Literal["fixed", "compat"] = "fixed"


@dataclass(frozen=True, slots=True, config=_STRICT)
class LossSettings:
    """Settings of the loss of one task; `abawbench.training.losses.resolve` refuses options that its kind ignores.

    Attributes:
        kind: kind of loss: `ccc`, `mse` for continuous tasks; `cross_entropy`, `focal` for classes; `bce`, `focal` for
            labels. None for the first of these.
        denominator: divisor of `mse`: the number of `valid` values, or of `all` in the batch, as released by AIM3-RUC.
        class_weights: weights of the classes; `balanced` for frames / (classes * frames of the class), or numbers.
        logit_adjustment: tau, where tau log(share of the class) is added to the logits in training only; 0 for none.
            Source: arXiv:2007.07314.
        class_shares: shares of the classes in training, for the adjustment; counted where empty.
        label_smoothing: share of a label that is spread over all classes.
        focus: gamma of the focal loss. Source: arXiv:1708.02002.
        positive_weights: weights of labels that are on; `balanced` for frames without it / frames with it, or numbers.
        reduction: average over labels; per `image` first and then over images, or over every annotated `entry` alike.
    """

    kind: LossKind | None = None
    denominator: Literal["valid", "all"] = "valid"
    class_weights: Literal["none", "balanced"] | tuple[float, ...] = "none"
    logit_adjustment: NonNegative = 0.0
    class_shares: tuple[float, ...] = ()
    label_smoothing: ShareBelowOne = 0.0
    focus: NonNegative = 2.0
    positive_weights: Literal["none", "balanced"] | tuple[float, ...] = "none"
    reduction: Literal["image", "entry"] = "image"

    @field_validator("class_weights", "class_shares", "positive_weights")
    @classmethod
    def _are_positive(cls, numbers: str | tuple[float, ...]) -> str | tuple[float, ...]:
        if not isinstance(numbers, str) and not all(0 < number < float("inf") for number in numbers):
            raise ValueError("numbers above 0")
        return numbers


@dataclass(frozen=True, slots=True, config=_STRICT)
class WeightingSettings:
    """Settings of the sum of the losses of a step.

    Attributes:
        kind: kind of weighting: `fixed`, by the weights alone; `uncertainty`, by a learned variance of each loss;
            `dynamic`, by the decrease of each loss in the last epochs.
        weights: weight of each loss by name, times the factor of the kind; 1 where not named.
        temperature: temperature of `dynamic`; the higher, the more alike its factors.
        normalised: True to divide each loss by its own value, without gradient; not with `uncertainty`, which weighs by
            the values.
    """

    kind: Literal["fixed", "uncertainty", "dynamic"] = "fixed"
    weights: Mapping[str, NonNegative] = field(default_factory=dict[str, float])
    temperature: Positive = 2.0
    normalised: bool = False


@dataclass(frozen=True, slots=True, config=_STRICT)
class AugmentationSettings:
    """Settings of random changes of crops; a change whose setting is 0 is not made.

    Attributes:
        shared: frames that share a change: each `frame` has its own, or all frames of a `clip` have the same.
        flip: probability of a left-right flip.
        rotation: largest angle in degrees, to either side.
        translation: largest shift in any direction, as a share of the side.
        scale: largest change of size; .1 for sizes from .9 to 1.1.
        brightness: largest change of brightness; .2 for factors from .8 to 1.2.
        contrast: largest change of contrast about the mean of the crop, as brightness.
        saturation: largest change of saturation, as brightness; a factor of 0 is grey.
        grey: probability that colours are lost.
        blur: probability of a blur, with a deviation of .1 to 2 pixels.
        erase: probability that a rectangle of 2 to 20 % of the crop is blackened.
    """

    shared: Literal["frame", "clip"] = "frame"
    flip: Share = 0.5
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    translation: Share = 0.0
    scale: ShareBelowOne = 0.0
    brightness: Share = 0.0
    contrast: Share = 0.0
    saturation: Share = 0.0
    grey: Share = 0.0
    blur: Share = 0.0
    erase: Share = 0.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class MixupSettings:
    """Settings of MixAugment: mixtures of two crops are learned beside the crops themselves.

    Attributes:
        alpha: parameter of the Beta distribution that the share of the first crop is drawn from (value assumed).
        virtual: weight of the loss of the mixtures.
        real: weight of the losses of the crops that were mixed.

    Source: arXiv:2205.04442, form assumed(paper).
    """

    alpha: Positive = 0.2
    virtual: NonNegative = 1.0
    real: NonNegative = 1.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class RidgeSettings:
    """Settings of ridge regression, which learns a linear network in closed form.

    Attributes:
        penalties: penalties to choose from (scikit-learn calls them alpha) by the squared error on held-out folds.
        folds: number of folds of the training split, by subject where subjects are given, else by video.
    """

    penalties: Annotated[tuple[Positive, ...], Field(min_length=1)] = tuple(10.0**power for power in range(-2, 8))
    folds: Annotated[int, Field(ge=2)] = 5


@dataclass(frozen=True, slots=True, config=_STRICT)
class SynthesisSettings:
    """Settings of a training in which a FERSNet learns to synthesise, or learns from what it synthesised.

    Attributes:
        stage: `joint`: recognition and synthesis learn together from pairs of faces; `balance`: faces that the network
            synthesised fill up the training split, and recognition alone learns on (assumed(choice)).
        start: weights of an earlier training to start from, all but those of the decoder; None for those of the entry.
        pixel: weight of the mean absolute difference to the target face.
        identity: weight of the mean squared difference of a frozen network's maps of both faces.
        perceptual: file of LightCNN-9, the frozen network; None for a small network with random weights, which knows no
            faces (assumed).
        adversarial: weight of the discriminator's judgement.
        cycle: weight of the mean squared difference between the source face and the one synthesised back.
        expression: weight of the recognition of the target expression in synthesised faces (ours, 0 in the sources).
        discriminator_width: channels of the discriminator's first stage.
        discriminator_steps: steps of the discriminator for each step of the network.
        discriminator_rate: highest learning rate of the discriminator; None for that of the network.
        conditional: True for a discriminator that sees the target expression.
        mismatched: share of the source faces, with the target expression, in what the discriminator learns to be false;
            they teach it expressions before synthesised faces show any (ours, 0 in the sources).
        fakes: faces that the discriminator learns from: synthesised by the network in `evaluation` mode, as released,
            or those of the network's own `step`, which saves a forward pass (ours).
        enlarge: True to fill up the training split in the stage `balance`; False for the same training without.
        share: frequency of a synthesised face in the stage `balance`, in times that of a real one.

    Source: cikrhazo/FERSNet:criteria.py, train.py, for everything not marked.
    """

    stage: Literal["joint", "balance"] = "joint"
    start: Path | None = None
    pixel: NonNegative = 1.0
    identity: NonNegative = 0.05
    perceptual: Path | None = None
    adversarial: NonNegative = 0.3
    cycle: NonNegative = 0.5
    expression: NonNegative = 0.0
    discriminator_width: CountFromOne = 64
    discriminator_steps: CountFromOne = 3
    discriminator_rate: NonNegative | None = None
    conditional: bool = True
    mismatched: Share = 0.0
    fakes: Literal["evaluation", "step"] = "evaluation"
    enlarge: bool = True
    share: Positive = 1.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class TrainingSettings:
    """Settings of a training.

    Attributes:
        epochs: passes over the training split.
        seed: seed of weights that come from no file, order, augmentation and dropout.
        batch: number of frames in a step; in a joint training of synthesis, of pairs of frames.
        videos: number of videos that are learned together from begin to end, a segment of each in a step, with the
            state of a recurrent encoder carried from one to the next; 0 to learn segments by themselves.
        precision: precision of the forward pass; weights are float32.
        freeze_backbone: True to train everything but the backbones.
        patience: epochs without a better official score after which training ends; 0 for all epochs.
        dataset: name of the data on the card of the trained entry; empty for that of the challenge or of the synthetic
            corpus.
        licence: licence of the trained weights; empty for the terms of the data.
        optimiser: settings of the optimiser.
        schedule: settings of the learning rate's schedule.
        losses: settings of losses by task; a task that is not named has the usual loss of its kind.
        weighting: settings of the sum of the losses.
        coupling: settings of the coupling of two tasks; None for the coupling that the entry declares, if any.
        augmentation: settings of random changes of crops; None for no changes.
        mixing: settings of MixAugment on single frames; None for no mixtures.
        balance: task by whose classes, labels or values single frames are balanced; empty to draw each frame once.
        databases: `labels` fills each step of single frames from every set of tasks that rows are labelled for, in
            proportion; `one` mixes all rows.
        ridge: settings of ridge regression, which takes the place of epochs and steps; None to learn by gradients.
        synthesis: settings of the synthesis of a FERSNet; None for its recognition alone, and for other networks.
        keep: epoch whose weights are kept: the `best` on the validation split, which makes its score optimistic, or the
            `last`.
    """

    epochs: CountFromOne = 20
    seed: Count = 0
    batch: CountFromOne = 256
    videos: Count = 0
    precision: Precision = "float32"
    freeze_backbone: bool = False
    patience: Count = 0
    dataset: str = ""
    licence: str = ""
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    losses: Mapping[str, LossSettings] = field(default_factory=dict[str, LossSettings])
    weighting: WeightingSettings = field(default_factory=WeightingSettings)
    coupling: CouplingSettings | None = None
    augmentation: AugmentationSettings | None = None
    mixing: MixupSettings | None = None
    balance: str = ""
    databases: Literal["one", "labels"] = "one"
    ridge: RidgeSettings | None = None
    synthesis: SynthesisSettings | None = None
    keep: Literal["best", "last"] = "best"


@plain_dataclass(frozen=True, slots=True)
class TrainOptions:
    """Options of the run of a training; on one kind of device they do not change its result.

    Attributes:
        device: device of the training, as `cpu` or `cuda`.
        threads: number of threads that read crops; None for one for each core.
        memory_gib: memory for decoded crops, or for features on an accelerator.
        save_s: seconds between two saves within an epoch; 0 to save at its end only.
        save_steps: steps between two saves within an epoch; 0 likewise.
        log: `tensorboard` to write its events into the folder `tensorboard` of the run.
    """

    device: str = field(
        default="cpu",
        metadata={"help": "cpu, cuda, cuda:1; auto takes a GPU where there is one.", "default": "auto"},
    )
    threads: int | None = field(
        default=None, metadata={"help": "Threads that read crops.  [default: one for each core]", "least": 1}
    )
    memory_gib: float = field(
        default=2.0, metadata={"help": "GiB for decoded crops.", "least": 0, "flags": ("--memory",)}
    )
    save_s: float = field(
        default=300.0,
        metadata={
            "help": "Seconds between two saves; 0: only epochs.",
            "least": 0,
            "flags": ("--save-every",),
        },
    )
    save_steps: int = field(default=0, metadata={"help": "Steps between two saves as well; 0: none.", "least": 0})
    log: Literal["none", "tensorboard"] = field(
        default="none", metadata={"help": "tensorboard: write its events into OUT/tensorboard."}
    )


def read_training(table: dict[str, Any], path: Path) -> TrainingSettings:
    """Read the settings in an entry's table `[training]`.

    Raises:
        ProblemError: E02 unknown fields and values of another type, E19 values out of range.
    """
    settings: TrainingSettings = read_settings(TrainingSettings, table, path, table="training", out_of_range="E19")
    problems = (*_beyond_epochs(settings, str(path)), *_beside_ridge(settings, str(path)))
    if problems:
        raise ProblemError(*problems)
    return settings


def _beside_ridge(settings: TrainingSettings, file: str) -> Iterable[Problem]:
    """Problems of settings of epochs and steps where there are none."""
    if settings.ridge is None:
        return
    usual = TrainingSettings()
    for field_ in fields(settings):
        if field_.name not in WITH_RIDGE and getattr(settings, field_.name) != getattr(usual, field_.name):
            found = f"training.{field_.name} beside training.ridge"
            yield Problem("E19", found, f"no other settings than {', '.join(WITH_RIDGE)}", "remove one of them", file)


def unknown_name(place: str, name: str, known: Iterable[str]) -> Problem:
    """E19 for a name that a setting does not know, with the name that is nearest."""
    names = list(known)
    return Problem("E19", place, f"one of {', '.join(names)}", did_you_mean(name, names))


def _beyond_epochs(settings: TrainingSettings, file: str) -> Iterable[Problem]:
    """Problems of warm-ups and decays that are longer than the training."""
    epochs, schedule = settings.epochs, settings.schedule
    for name, value, end in (("warmup", schedule.warmup_epochs, epochs), ("decay", schedule.decay_epochs, epochs + 1)):
        if value is not None and value >= end:
            found = f"training.schedule.{name}_epochs = {value:g}"
            yield Problem("E19", found, f"below {end}, for {epochs} epochs", "correct the setting", file)
