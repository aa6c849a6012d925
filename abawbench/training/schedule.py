"""How the rate of learning changes: pure functions of where a training is."""

from __future__ import annotations

import math

from abawbench.training.settings import ScheduleSettings


def factor(settings: ScheduleSettings, epochs: int, epoch: int, done: float) -> float:
    """By what the rate is multiplied.

    `cosine` and `constant` rise evenly during the warm-up, step by step; `cosine` then falls to `final`. `linear` has
    one rate for each epoch e, counted from 0: (e + 1) / w in a warm-up of w epochs (`compat`: e / w, so that the first
    learns nothing), then 1, and in the last d epochs 1 - (e + 1 - n) / (d + 1) of n = epochs - d before; where the
    warm-up and the decay fill the training, (epochs - e) / (epochs - w), as the multi-task release has it.

    Args:
        settings: which schedule.
        epochs: of the training.
        epoch: from 0.
        done: share of the epoch that is done behind the step, above 0 and up to 1.

    Source: aim3_mtl section 6 for `linear`.

    >>> mtl = ScheduleSettings("linear", warmup_epochs=2, mode="compat")
    >>> [factor(mtl, 6, epoch, 1.0) for epoch in range(6)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    """
    if settings.kind == "linear":
        return _linear(settings, epochs, epoch)
    place = epoch + done
    if place <= settings.warmup_epochs:
        return place / settings.warmup_epochs
    if settings.kind == "constant":
        return 1.0
    share = (place - settings.warmup_epochs) / (epochs - settings.warmup_epochs)
    return settings.final + (1 - settings.final) * (1 + math.cos(math.pi * share)) / 2


def _linear(settings: ScheduleSettings, epochs: int, epoch: int) -> float:
    warmup = int(settings.warmup_epochs)
    if epoch < warmup:
        return (epoch if settings.mode == "compat" else epoch + 1) / warmup
    if settings.decay_epochs is None:
        return (epochs - epoch) / (epochs - warmup)
    before = epochs - settings.decay_epochs
    return 1.0 if epoch + 1 <= before else 1 - (epoch + 1 - before) / (settings.decay_epochs + 1)
