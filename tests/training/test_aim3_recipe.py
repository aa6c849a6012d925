"""The tables [training] of AIM3's entries: the losses, optimiser and schedule of the release (aim3_mtl section 6)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from abawbench import challenges
from abawbench.entries import load_entry
from abawbench.entries.entry_file import read_entry_file
from abawbench.table import Table
from abawbench.training.data import targets_of
from abawbench.training.learners import SequenceLearner
from abawbench.training.objective import Weighting, make_objective
from abawbench.training.optimisers import schedule_factor
from abawbench.training.settings import TrainingSettings, read_training
from abawbench.training.sources import Source
from abawbench.training.train import train
from tests.training.runs import some_features, write_labels

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
FOLDERS = sorted(path.name for path in SUBMISSIONS.glob("2022_aim3_mtl-*"))
TASKS = challenges.get("abaw4-mtl").tasks

each_folder = pytest.mark.parametrize("folder", FOLDERS)


def recipe(folder: str, file: str = "entry.toml") -> TrainingSettings:
    path = SUBMISSIONS / folder / file
    return read_training(read_entry_file(path).training, path)


def test_every_entry_has_a_recipe():
    assert len(FOLDERS) >= 9


@each_folder
def test_twins_learn_alike(folder):
    assert recipe(folder, "tiny.toml") == recipe(folder)


@each_folder
def test_the_optimiser_is_that_of_the_release(folder):
    settings = recipe(folder)
    assert (settings.epochs, settings.seed, settings.videos) == (50, 100, 8)
    optimiser = settings.optimiser
    assert (optimiser.kind, optimiser.rate, optimiser.betas, optimiser.weight_decay) == ("adam", 5e-5, (0.5, 0.999), 0)
    assert (optimiser.clip, optimiser.clip_over, optimiser.ema) == (5, "parts", 0)
    assert settings.freeze_backbone
    assert settings.patience == 0


@each_folder
def test_the_rate_follows_the_schedule_of_the_release(folder):
    settings = recipe(folder)
    factors = [schedule_factor(settings.schedule, 50, epoch, 1.0) for epoch in range(50)]
    if folder.endswith("transformer"):
        # up to 1 in ten epochs, from the first one on, then down to 0 at 50
        expected = [(epoch + 1) / 10 for epoch in range(10)] + [(50 - epoch) / 40 for epoch in range(10, 50)]
    else:
        expected = [1 - max(0, epoch + 1 - 30) / 21 for epoch in range(50)]
    assert factors == pytest.approx(expected)


def partly_labelled(frames: int = 40) -> Table:
    random = np.random.default_rng(0)
    affect = random.uniform(-1, 1, (frames, 2))
    affect[::4] = np.nan
    expression = random.integers(0, 8, frames).astype(np.int8)
    expression[::5] = -1
    units = random.integers(0, 2, (frames, 12)).astype(np.int8)
    units[::3] = -1
    units[1, 4] = -1
    values = {"va": affect, "expression": expression, "action_units": units}
    return Table(("a",), np.zeros(frames, np.int32), np.arange(1, frames + 1, dtype=np.int32), values)


@each_folder
def test_the_loss_of_a_step_is_that_of_the_release(folder):
    """Written from aim3_mtl section 6, on frames without padding."""
    table, settings = partly_labelled(), recipe(folder)
    torch.manual_seed(0)
    logits = {"va": torch.randn(40, 2), "expression": torch.randn(40, 8), "action_units": torch.randn(40, 12)}
    objective = make_objective(settings, TASKS, table)
    losses = objective.losses_of(targets_of(TASKS, table, np.arange(40)), logits, None)
    found = Weighting(objective.names, settings.weighting)(losses)

    affect = torch.from_numpy(table.numbers("va")).float()
    is_known = ~affect.isnan()
    squares = [
        functional.mse_loss(logits["va"][:, column] * is_known[:, column], affect[:, column].nan_to_num())
        for column in (0, 1)
    ]
    classes = functional.cross_entropy(
        logits["expression"], torch.from_numpy(table.classes("expression")).long(), ignore_index=-1
    )
    units = torch.from_numpy(table.classes("action_units"))
    on = functional.binary_cross_entropy(logits["action_units"].sigmoid()[units >= 0], units[units >= 0].float())
    expected = 12 * squares[0] + 12 * squares[1] + on + 0.35 * classes
    assert found is not None
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_gradients_are_clipped_by_the_sub_networks_of_the_release():
    """One shared network, and for each output its private layers and head together."""
    entry = load_entry("2022_aim3_mtl-sbe-hsf-transformer/tiny", root=SUBMISSIONS)
    learner = SequenceLearner(entry, is_frozen=True, takes_features=True)
    network = learner.network
    sizes = [sum(parameter.numel() for parameter in part.parameters()) for part in learner.parts()]
    private = [
        sum(p.numel() for module in (network.private[key], network.heads[key]) for p in module.parameters())
        for key in network.heads
    ]
    assert sizes == [sum(p.numel() for p in network.shared.parameters()), *private]
    assert sum(sizes) == sum(p.numel() for p in network.parameters())


@each_folder
def test_the_tiny_twin_learns_by_the_recipe(tmp_path, folder):
    path = SUBMISSIONS / folder / "tiny.toml"
    width = load_entry(f"{folder}/tiny", root=SUBMISSIONS).width
    features, truth = some_features(tmp_path / "features", width), write_labels(tmp_path / "truth")
    shorter = "warmup_epochs" if folder.endswith("transformer") else "decay_epochs"
    # a rate for few and short videos
    changes = {"training.epochs": 6, f"training.schedule.{shorter}": 1, "training.optimiser.rate": 0.003}
    summary = train(path, Source((features,), truth), tmp_path / "run", changes)
    assert summary.history[-1]["loss"]["total"] < summary.history[0]["loss"]["total"]
    assert {"va", "expression", "action_units"} <= summary.best.keys()
