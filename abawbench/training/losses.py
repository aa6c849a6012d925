"""Losses of one task under its mask: outputs without a label do not count.

Logarithms, moments and sums are float32 at least, under autocast too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.table import Table
from abawbench.training.data import Target
from abawbench.training.settings import LossKind, LossSettings

# added to the denominator of the concordance
SMALLEST = 1e-8
# least base of the focal power, whose slope is infinite at 0 for a gamma below 1
NEAREST = 1e-12


def task_loss(target: Target, logits: Tensor, settings: LossSettings) -> Tensor | None:
    """Compute the loss of one task on one batch.

    Args:
        target: labels of the batch.
        logits: outputs of the network, shape (frames, width); the values themselves for a continuous task.
        settings: settings from `resolve`.

    Returns:
        A number, float32 at least; None where no label is valid, or no column has the two labels that a concordance
        needs.

    Raises:
        ProblemError: E19, logits of another shape than the labels, a loss of another kind of task, or weights and
            shares that were not counted yet.
    """
    _refuse_misfit(target, logits, settings)
    loss = _loss_of(settings, target.task)
    if not any(target.numbers):
        return None
    with torch.autocast(logits.device.type, enabled=False):
        known = target.annotated if target.task.is_vector else target.annotated[:, None]
        return loss.compute(target, torch.where(known, _precise(logits), 0), settings)


def task_losses(
    targets: Mapping[str, Target], logits: Mapping[str, Tensor], settings: Mapping[str, LossSettings]
) -> dict[str, Tensor | None]:
    """The loss of each task of `settings`, by name, in that order; see `task_loss`."""
    return {name: task_loss(targets[name], logits[name], own) for name, own in settings.items()}


def resolve(settings: LossSettings, task: Task, table: Table) -> LossSettings:
    """Complete the settings of a loss by its kind, and by the counts of the labels of the training split.

    Args:
        settings: settings of the loss in the entry file.
        task: task of the loss.
        table: truth of the training split.

    Raises:
        ProblemError: E19, every setting that does not fit the task.
    """
    named = replace(settings, kind=settings.kind or next(iter(LOSSES[type(task)])))
    problems = tuple(_problems_of(named, task))
    if problems:
        raise ProblemError(*problems)
    counted: dict[str, tuple[float, ...]] = {}
    if named.class_weights == "balanced":
        counted["class_weights"] = class_weights_of(task, table)
    if named.logit_adjustment and not named.class_shares:
        counted["class_shares"] = class_shares_of(task, table)
    if named.positive_weights == "balanced":
        counted["positive_weights"] = positive_weights_of(task, table)
    return replace(named, **counted)


def concordance(truth: Tensor, prediction: Tensor, annotated: Tensor) -> Tensor:
    """The concordance of each column of two tables: 2 cov / (var + var + squared difference of means + 1e-8).

    Args:
        truth: labels, shape (frames, columns); finite.
        prediction: outputs, shape (frames, columns); finite.
        annotated: mask of the frames that count, shape (frames, columns), bool.

    Returns:
        Shape (columns,), population moments; 0 with gradient 0 for a column with fewer than two frames.

    Source: Lin 1989, Biometrics 45(1); as `abawbench.metrics.concordance`, but for the 1e-8. Fewer than two frames:
    cprl-team/MTL-ABAW-11th:src/losses/mtl.py.
    """
    count = annotated.sum(0)
    frames = count.clamp_min(1)

    def mean(values: Tensor) -> Tensor:
        return torch.where(annotated, values, 0).sum(0) / frames

    truth_mean, prediction_mean = mean(truth), mean(prediction)
    # centred by the means, since float32 would lose small variances in differences of large squares
    x, y = truth - truth_mean, prediction - prediction_mean
    total = mean(x * x) + mean(y * y) + (truth_mean - prediction_mean).square()
    return torch.where(count > 1, 2 * mean(x * y) / (total + SMALLEST), 0)


def _concordance_loss(target: Target, answers: Tensor, settings: LossSettings) -> Tensor | None:
    del settings
    columns = [place for place, count in enumerate(target.numbers) if count > 1]
    if not columns:
        return None
    agreement = concordance(target.values.to(answers), answers, target.annotated)
    # columns without a concordance add 0 to the sum
    return 1 - agreement.sum() / len(columns)


def _square_loss(target: Target, answers: Tensor, settings: LossSettings) -> Tensor:
    error = torch.where(target.annotated, answers - target.values.to(answers), 0).square().sum()
    return error / (answers.numel() if settings.denominator == "all" else sum(target.numbers))


def _class_loss(target: Target, answers: Tensor, settings: LossSettings) -> Tensor:
    focus = settings.focus if settings.kind == "focal" else 0.0
    if settings.logit_adjustment:
        answers = answers + settings.logit_adjustment * _constant(settings.class_shares, answers).log()
    credit = answers.log_softmax(1)
    if focus:
        credit = credit * (1 - credit.exp()).clamp_min(NEAREST).pow(focus)
    own_weights = settings.class_weights
    weights = answers.new_ones(answers.shape[1]) if isinstance(own_weights, str) else _constant(own_weights, answers)
    credit = credit * weights
    if target.values.ndim == 1:
        own = credit.gather(1, target.values[:, None])[:, 0]
        size = weights[target.values]
    else:
        chance = target.values.to(answers)
        own, size = (chance * credit).sum(1), chance @ weights
    smoothing = settings.label_smoothing
    own = (1 - smoothing) * own + smoothing * credit.mean(1)
    if target.weights is not None:
        own = own * target.weights
    return -torch.where(target.annotated, own, 0).sum() / torch.where(target.annotated, size, 0).sum()


def _label_loss(target: Target, answers: Tensor, settings: LossSettings) -> Tensor:
    focus = settings.focus if settings.kind == "focal" else 0.0
    truth, weights = target.values.to(answers), settings.positive_weights
    # the negative logarithms of 1 - p and of p
    off, on = functional.softplus(answers), functional.softplus(-answers)
    if focus:
        on, off = on * (-focus * off).exp(), off * (-focus * on).exp()
    if not isinstance(weights, str):
        on = on * _constant(weights, answers)
    cost = truth * on + (1 - truth) * off
    if target.weights is not None:
        cost = cost * target.weights
    cost = torch.where(target.annotated, cost, 0)
    if settings.reduction == "entry":
        return cost.sum() / sum(target.numbers)
    labels = target.annotated.sum(1)
    return (cost.sum(1) / labels.clamp_min(1)).sum() / (labels > 0).sum()


@dataclass(frozen=True, slots=True)
class _Loss:
    """A loss, and the names of the settings that it uses."""

    compute: Callable[[Target, Tensor, LossSettings], Tensor | None]
    options: tuple[str, ...]


_CLASSES = ("class_weights", "logit_adjustment", "class_shares", "label_smoothing")
_LABELS = ("positive_weights", "reduction")
# the losses of each kind of task, the usual one first
LOSSES: dict[type[Task], dict[LossKind, _Loss]] = {
    Continuous: {"ccc": _Loss(_concordance_loss, ()), "mse": _Loss(_square_loss, ("denominator",))},
    Categorical: {
        "cross_entropy": _Loss(_class_loss, _CLASSES),
        "focal": _Loss(_class_loss, (*_CLASSES, "focus")),
    },
    MultiLabel: {"bce": _Loss(_label_loss, _LABELS), "focal": _Loss(_label_loss, (*_LABELS, "focus"))},
}


def class_weights_of(task: Task, table: Table) -> tuple[float, ...]:
    """Weight of each class: frames / (classes * frames of the class); 1 for a class without frames."""
    counts = _class_counts(task, table)
    weights = np.where(counts > 0, counts.sum() / (len(counts) * np.maximum(counts, 1)), 1.0)
    return tuple(weights.tolist())


def class_shares_of(task: Task, table: Table) -> tuple[float, ...]:
    """Share of each class in the frames; a class without frames counts as one frame (assumed)."""
    counts = np.maximum(_class_counts(task, table), 1)
    return tuple((counts / counts.sum()).tolist())


def positive_weights_of(task: Task, table: Table) -> tuple[float, ...]:
    """Weight of each label: frames without it / frames with it; 1 where it is always or never on."""
    values, annotated = task.annotations_of(table)
    on = (annotated & (values > 0)).sum(0)
    off = annotated.sum(0) - on
    weights = np.where((on > 0) & (off > 0), off / np.maximum(on, 1), 1.0)
    return tuple(weights.tolist())


def _class_counts(task: Task, table: Table) -> NDArray[np.int64]:
    values, annotated = task.annotations_of(table)
    return np.bincount(values[annotated].astype(np.int64), minlength=task.width)


def _loss_of(settings: LossSettings, task: Task) -> _Loss:
    own = LOSSES[type(task)]
    return next(iter(own.values())) if settings.kind is None else own[settings.kind]


def _problems_of(settings: LossSettings, task: Task) -> Iterable[Problem]:
    kinds = LOSSES[type(task)]
    if settings.kind is None or settings.kind not in kinds:
        yield _wrong_kind(settings, task)
        return
    options = kinds[settings.kind].options
    for option in fields(settings):
        name, value = option.name, getattr(settings, option.name)
        if name == "kind" or value == option.default:
            continue
        if name not in options:
            found = f"{name} for the loss {settings.kind} of {task.name}"
            expected = f"one of its options: {', '.join(options)}" if options else "no options"
            yield Problem("E19", found, expected, f"remove {name}, or choose another kind")
        elif isinstance(value, tuple) and len(value) != task.width:
            found = f"{len(value)} {name} for {task.name}"
            yield Problem("E19", found, f"{task.width}, one for each", "correct the number of values")


def _wrong_kind(settings: LossSettings, task: Task) -> Problem:
    found = f"a loss of kind {settings.kind} for {task.name}"
    return Problem("E19", found, f"one of {', '.join(LOSSES[type(task)])}", "choose one of them")


def _refuse_misfit(target: Target, logits: Tensor, settings: LossSettings) -> None:
    task, frames = target.task, len(target)
    expected = (frames, task.width)
    if tuple(logits.shape) != expected:
        found = f"answers of shape {tuple(logits.shape)} for {task.name}"
        raise ProblemError(Problem("E19", found, f"{expected}, as the labels", "make the head as wide as the task"))
    if settings.kind is not None and settings.kind not in LOSSES[type(task)]:
        raise ProblemError(_wrong_kind(settings, task))
    is_counted = bool(settings.class_shares) or not settings.logit_adjustment
    if not is_counted or "balanced" in (settings.class_weights, settings.positive_weights):
        found = f"weights or shares of {task.name} that were not counted"
        raise ProblemError(Problem("E19", found, "numbers", "resolve the settings on the training labels first"))


def _precise(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def _constant(values: tuple[float, ...], like: Tensor) -> Tensor:
    return _held(values, like.device, like.dtype)


@functools.lru_cache(maxsize=64)
def _held(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    # not an inference tensor, which training could not use, even where validation is the first caller
    with torch.inference_mode(False):
        return torch.tensor(values, device=device, dtype=dtype)
