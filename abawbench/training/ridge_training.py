"""A training by ridge regression: one fit of a linear network to features that stay as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, Task
from abawbench.datasets.folds import Folds, make_folds
from abawbench.entries.entry_file import FILE
from abawbench.entries.networks.network import NetworkEntry
from abawbench.entries.outputs import head_widths
from abawbench.models.frameworks.networks import Normalisation
from abawbench.table import Rows, Table
from abawbench.training.data import Crops, SplitFrames, read_inputs, training_data
from abawbench.training.results import SCORE, Provenance, keep_weights, write_curves, write_entry
from abawbench.training.ridge import LinearTask, fit_task
from abawbench.training.run_folder import Checkpoint, load_checkpoint, save_checkpoint
from abawbench.training.settings import TrainingSettings
from abawbench.training.setup import Setup, TrainProgress, TrainSummary
from abawbench.training.validation import Validation

# share of the median deviation of all features
SMALLEST_DEVIATION = 0.01


def inner_folds(
    settings: TrainingSettings, truth: Table, challenge: Challenge, subjects: Mapping[str, str] | None
) -> Folds:
    """The folds of the training split on which ridge regression chooses its penalties and calibrates its scores.

    Raises:
        ProblemError: D24 fewer subjects or videos than folds, C02 a video without a subject.
    """
    assert settings.ridge is not None
    return make_folds(truth, folds=settings.ridge.folds, groups=subjects, seed=settings.seed, tasks=challenge.tasks)


def fit_linear(
    setup: Setup, report: Callable[[TrainProgress], None], resumed: Callable[[int, int], None]
) -> TrainSummary:
    """Fit the linear network of an entry, and write its run folder, as a training of one epoch.

    Raises:
        ProblemError: E07, a task whose labelled frames have no features; F01, E04 as `read_inputs`.
    """
    done = load_checkpoint(setup.out)
    is_finished = done is not None and (setup.out / FILE).is_file()
    resumed(int(is_finished), 1)
    if done is not None and is_finished:
        return TrainSummary(setup.out, True, done.facts["history"], done.facts["best"])
    begin = time.perf_counter()
    entry, frames = setup.entry, setup.splits["train"]
    assert isinstance(entry, NetworkEntry)
    data = training_data(entry, frames, _features(setup, "train"), device="cpu", room=0)
    assert isinstance(data.inputs, Tensor)
    _raise_deviations(entry.network.normalisation, data.inputs)
    fits = _fit(setup, frames, data.inputs)
    _put(entry, fits)
    validation = None
    if setup.labels.validation is not None:
        inputs = _features(setup, "validation").numpy()
        validation = Validation(setup.challenge, setup.labels.validation, setup.splits["validation"], inputs)
    score = None if validation is None else validation.evaluate(entry)
    count = int(frames.labelled.sum())
    row: dict[str, Any] = {
        "epoch": 1,
        "seconds": round(time.perf_counter() - begin, 3),
        "frames": count,
        "loss": {fit.task.name: fit.error for fit in fits},
        "score": None if score is None else score.score,
        "standing": None if score is None else score.standing,
        "terms": {} if score is None else dict(score.terms),
        "metrics": {} if score is None else score.metrics,
    }
    best = {SCORE: {"epoch": 1, "value": row["standing"]}}
    keep_weights(setup.out, entry, backbones=bool(entry.encoder.modules))
    write_curves(setup.out, [row], best)
    save_checkpoint(setup.out, Checkpoint({}, {"history": [row], "best": best}))
    dataset = setup.settings.dataset
    provenance = Provenance(
        licence=setup.settings.licence or f"terms of {dataset}",
        trained_on=f"{dataset}, train split",
        note=_describe(setup, fits),
        feature_origin=setup.feature_origin(is_frozen=True),
    )
    # the entry's file comes last and marks the run as finished
    write_entry(setup.out / FILE, setup.content, entry, provenance, heads=setup.out, backbones=setup.out)
    report(TrainProgress((1, 1), (1, 1), (count, count), row["seconds"], row))
    return TrainSummary(setup.out, False, [row], best)


def _features(setup: Setup, split: str) -> Tensor:
    inputs = read_inputs(
        setup.splits[split],
        setup.entry,
        TrainingSettings(freeze_backbone=True),
        device=setup.options.device,
        threads=setup.options.threads or 1,
        room=int(setup.options.memory_gib * 2**30),
    )
    assert not isinstance(inputs, Crops)
    return inputs


def _raise_deviations(normalisation: Normalisation, features: Tensor) -> None:
    """Raise small deviations of the training features to a hundredth of their median, and scale the features anew.

    A feature that hardly varies in training would be blown up by thousands where it varies later, and no penalty could
    tell: assumed(choice).
    """
    if normalisation.kind != "training":
        return
    std = normalisation.std
    least = SMALLEST_DEVIATION * std[std > 0].median() if bool((std > 0).any()) else std.new_ones(())
    small = std < least
    features[:, small] *= std[small] / least
    std[small] = least


def _fit(setup: Setup, frames: SplitFrames, inputs: Tensor) -> list[LinearTask]:
    from threadpoolctl import threadpool_limits

    assert setup.settings.ridge is not None
    fold, features = _fold_of_places(setup, frames), inputs.numpy()
    penalties = sorted(set(setup.settings.ridge.penalties))
    fits: list[LinearTask] = []
    # the order of a sum depends on the number of threads
    with threadpool_limits(1):
        for target in frames.targets.values():
            annotated = target.annotated.numpy()
            if not annotated.any():
                found = f"no labelled frame of {target.task.name} has features"
                fix = "name the data that the labels belong to"
                raise ProblemError(Problem("E07", found, "labels of frames that are there", fix))
            if not target.task.is_vector:
                _require_shared_classes(target.task, target.values.numpy()[annotated], fold[annotated])
            fits.append(fit_task(target.task, target.values.numpy(), annotated, features, fold, penalties))
    return fits


def _require_shared_classes(task: Task, classes: NDArray[np.generic], fold: Rows) -> None:
    """Refuse classes of which none occurs in two folds, as identities of one video each. Raises: ProblemError E19."""
    present, number = np.unique(classes, return_inverse=True)
    folds_of = np.array([len(np.unique(fold[number == place])) for place in range(len(present))])
    if len(present) > 1 and bool((folds_of == 1).all()):
        found = f"no class of {task.name} in two folds"
        expected = "classes that rows held out share with the others, to choose penalties and calibrate scores"
        raise ProblemError(Problem("E19", found, expected, "train the heads by gradients: leave training.ridge out"))


def _fold_of_places(setup: Setup, frames: SplitFrames) -> Rows:
    assert setup.folds is not None
    number = {unit: place for place, units in enumerate(setup.folds.members) for unit in units}
    return np.repeat(np.array([number[clip.video] for clip in frames.clips]), np.diff(frames.begins))


def _put(entry: NetworkEntry, fits: Iterable[LinearTask]) -> None:
    """Put the fitted maps into the layers of a linear network."""
    layers = entry.network.linear_layers()
    assert layers is not None
    with torch.no_grad():
        for fit in fits:
            begin = 0
            # real values have a head for each column
            for name, width in head_widths([fit.task]).items():
                end = begin + width
                layers[name].weight.copy_(torch.from_numpy(fit.weight[:, begin:end].T.copy()))
                layers[name].bias.copy_(torch.from_numpy(fit.bias[begin:end].copy()))
                begin = end


def _describe(setup: Setup, fits: Iterable[LinearTask]) -> str:
    assert setup.settings.ridge is not None
    assert setup.folds is not None
    penalties = "; ".join(
        f"{fit.task.name} {', '.join(f'{penalty:g}' for penalty in sorted(set(fit.penalty)))}" for fit in fits
    )
    text = f"trained by abawbench: ridge regression, penalties chosen by {len(setup.folds)} folds by {setup.folds.by}: "
    unseen = [name for fit in fits for name in fit.unseen]
    return text + penalties + (f"; never answered, as training had none: {', '.join(unseen)}" if unseen else "")
