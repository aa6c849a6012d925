"""Losses of one task under its mask: what has no label counts for nothing, whatever the network says there.

Logarithms, moments and sums are float32 at least, under autocast too.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Task
from abawbench.training.loss_settings import KINDS, LossSettings
from abawbench.training.targets import Target

# in the denominator of the concordance
SMALLEST = 1e-8
# the base of the focal power, whose slope is infinite at 0 for a gamma below 1
NEAREST = 1e-12


def task_loss(target: Target, logits: Tensor, settings: LossSettings) -> Tensor | None:
    """The loss of one task on one batch.

    Args:
        target: labels of the batch.
        logits: what the network answers; continuous and multi-label (frames, columns), categorical (frames, classes).
            Of a continuous task the values themselves.
        settings: from `abawbench.training.loss_settings.settled`.

    Returns:
        A number, float32 at least. None where no label is valid, and where no column has the two labels that a
        concordance needs: such a batch changes nothing and has no loss to be told.

    Raises:
        ProblemError: E19, logits of another shape than the labels, a loss of another kind of task, or weights and
            shares that were not counted yet.
    """
    _fit(target, logits, settings)
    kind = settings.kind or next(iter(KINDS[type(target.task)]))
    if not any(target.numbers):
        return None
    with torch.autocast(logits.device.type, enabled=False):
        known = target.annotated[:, None] if isinstance(target.task, Categorical) else target.annotated
        answers = torch.where(known, _precise(logits), 0)
        if kind == "ccc":
            return _concordance_loss(target, answers)
        if kind == "mse":
            return _square_loss(target, answers, settings)
        if isinstance(target.task, Categorical):
            return _class_loss(target, answers, settings, focus=settings.focus if kind == "focal" else 0.0)
        return _label_loss(target, answers, settings, focus=settings.focus if kind == "focal" else 0.0)


def task_losses(
    targets: Mapping[str, Target], logits: Mapping[str, Tensor], settings: Mapping[str, LossSettings]
) -> dict[str, Tensor | None]:
    """The loss of each task of `settings`, by name, in that order; see `task_loss`."""
    return {name: task_loss(targets[name], logits[name], chosen) for name, chosen in settings.items()}


def concordance(truth: Tensor, prediction: Tensor, annotated: Tensor) -> Tensor:
    """Agreement of each column of two tables: 2 cov / (var + var + squared difference of means + 1e-8).

    Args:
        truth: shape (frames, columns); finite.
        prediction: shape (frames, columns); finite.
        annotated: shape (frames, columns), bool: the frames that count.

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
    # about the means, not as differences of large squares: float32 would lose small variances
    x, y = truth - truth_mean, prediction - prediction_mean
    total = mean(x * x) + mean(y * y) + (truth_mean - prediction_mean).square()
    return torch.where(count > 1, 2 * mean(x * y) / (total + SMALLEST), 0)


def _concordance_loss(target: Target, answers: Tensor) -> Tensor | None:
    columns = [place for place, count in enumerate(target.numbers) if count > 1]
    if not columns:
        return None
    agreement = concordance(target.values.to(answers), answers, target.annotated)
    # a column without agreement has 0 in the sum
    return 1 - agreement.sum() / len(columns)


def _square_loss(target: Target, answers: Tensor, settings: LossSettings) -> Tensor:
    error = torch.where(target.annotated, answers - target.values.to(answers), 0).square().sum()
    return error / (answers.numel() if settings.denominator == "all" else sum(target.numbers))


def _class_loss(target: Target, answers: Tensor, settings: LossSettings, *, focus: float) -> Tensor:
    if settings.logit_adjustment:
        answers = answers + settings.logit_adjustment * _constant(settings.class_shares, answers).log()
    credit = answers.log_softmax(1)
    if focus:
        credit = credit * (1 - credit.exp()).clamp_min(NEAREST).pow(focus)
    given = settings.class_weights
    weights = answers.new_ones(answers.shape[1]) if isinstance(given, str) else _constant(given, answers)
    credit = credit * weights
    if target.values.ndim == 1:
        own = credit.gather(1, target.values[:, None])[:, 0]
        size = weights[target.values]
    else:
        chance = target.values.to(answers)
        own, size = (chance * credit).sum(1), chance @ weights
    smoothing = settings.label_smoothing
    own = (1 - smoothing) * own + smoothing * credit.mean(1)
    return -torch.where(target.annotated, own, 0).sum() / torch.where(target.annotated, size, 0).sum()


def _label_loss(target: Target, answers: Tensor, settings: LossSettings, *, focus: float) -> Tensor:
    truth, given = target.values.to(answers), settings.positive_weights
    # logarithms of 1 - p and of p, without their sign
    off, on = functional.softplus(answers), functional.softplus(-answers)
    if focus:
        on, off = on * (-focus * off).exp(), off * (-focus * on).exp()
    if not isinstance(given, str):
        on = on * _constant(given, answers)
    cost = truth * on + (1 - truth) * off
    if target.weights is not None:
        cost = cost * target.weights
    cost = torch.where(target.annotated, cost, 0)
    if settings.reduction == "entry":
        return cost.sum() / sum(target.numbers)
    labels = target.annotated.sum(1)
    return (cost.sum(1) / labels.clamp_min(1)).sum() / (labels > 0).sum()


def _precise(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def _constant(values: tuple[float, ...], like: Tensor) -> Tensor:
    return _held(values, like.device, like.dtype)


@functools.lru_cache(maxsize=64)
def _held(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    # not an inference tensor even where validation asks first: training could not use it
    with torch.inference_mode(False):
        return torch.tensor(values, device=device, dtype=dtype)


def _fit(target: Target, logits: Tensor, settings: LossSettings) -> None:
    task, frames = target.task, len(target)
    expected = (frames, _width(task))
    if tuple(logits.shape) != expected:
        found = f"answers of shape {tuple(logits.shape)} for {task.name}"
        raise ProblemError(Problem("E19", found, f"{expected}, as the labels", "make the head as wide as the task"))
    if settings.kind is not None and settings.kind not in KINDS[type(task)]:
        found = f"a loss of kind {settings.kind} for {task.name}"
        raise ProblemError(Problem("E19", found, f"one of {', '.join(KINDS[type(task)])}", "choose one of them"))
    is_counted = bool(settings.class_shares) or not settings.logit_adjustment
    if not is_counted or "balanced" in (settings.class_weights, settings.positive_weights):
        found = f"weights or shares of {task.name} that were not counted"
        raise ProblemError(Problem("E19", found, "numbers", "settle the settings on the training labels first"))


def _width(task: Task) -> int:
    return len(task.classes) if isinstance(task, Categorical) else len(task.columns)
