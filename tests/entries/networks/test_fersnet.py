from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import load_entry
from abawbench.entries.entry_file import read_entry_file, read_settings
from abawbench.entries.loading import make_entry
from abawbench.entries.model import Synthesiser
from abawbench.entries.networks.fersnet import FersNetEntry, FersNetEntrySettings
from abawbench.labels import EXPRESSIONS_7
from abawbench.models.fersnet.settings import FersNetSettings
from abawbench.models.sharing.settings import ConvFlu
from abawbench.training.settings import SynthesisSettings, read_training
from tests.models.shaking import one_thread

__all__ = ["one_thread"]

FOLDER = Path(__file__).parents[3] / "submissions" / "2020_zhao_fersnet"


@pytest.fixture(scope="module")
def entry() -> FersNetEntry:
    made = load_entry(FOLDER / "tiny")
    assert isinstance(made, FersNetEntry)
    return made


def crops(count: int, side: int = 112):
    return np.random.default_rng(side).integers(0, 256, (count, side, side, 3), np.uint8)


def test_the_entry_has_the_released_network_and_training():
    path = FOLDER / "entry.toml"
    content = read_entry_file(path)
    settings = read_settings(FersNetEntrySettings, content.settings, path)
    assert settings.network == FersNetSettings("released")
    assert settings.network.has_joint
    assert settings.network.conditioned_by == "adain"
    assert (settings.size, settings.colour, settings.sharing) == (96, "BGR", ConvFlu())
    training = read_training(content.training, path)
    assert training.synthesis == SynthesisSettings()
    optimiser = training.optimiser
    assert (optimiser.kind, optimiser.rate, optimiser.betas, optimiser.weight_decay) == (
        "adam",
        1e-4,
        (0.5, 0.999),
        5e-4,
    )
    assert (training.epochs, training.batch, training.schedule.drops) == (500, 8, (150, 400))
    with pytest.raises(ProblemError) as error:
        load_entry(FOLDER)
    assert [problem.rule for problem in error.value.problems] == ["E11"]


def test_the_tiny_twin_recognises_seven_expressions_and_synthesises_them(entry):
    assert isinstance(entry, Synthesiser)
    assert entry.expressions == EXPRESSIONS_7
    answers = entry.predict(clip_in_memory("one", crops(3)))["expression"]
    np.testing.assert_allclose(answers.sum(1), 1)
    faces = entry.synthesise(crops(3), "Happiness")
    assert faces.shape == (3, 112, 112, 3)
    assert any("mean nothing" in note for note in entry.card.notes)


def test_a_face_does_not_depend_on_the_batch_that_holds_it(entry):
    many = entry.synthesise(crops(35), "Fear")
    for place in (0, 33):
        difference = entry.synthesise(crops(35)[place : place + 1], "Fear")[0].astype(int) - many[place]
        # other kernels round otherwise
        assert np.abs(difference).max() <= 1


def test_a_network_of_bgr_pictures_takes_and_gives_rgb_crops():
    content = read_entry_file(FOLDER / "tiny.toml", {"settings.colour": "BGR"})
    entry = make_entry(content, FOLDER / "tiny.toml")
    assert isinstance(entry, FersNetEntry)
    # a residual decoder without an output gives its pictures back
    for parameter in entry.network.decoder.out.parameters():
        torch.nn.init.zeros_(parameter)
    np.testing.assert_array_equal(entry.synthesise(crops(2, 48), "Anger"), crops(2, 48))


def test_an_unknown_expression_is_told_with_the_nearest_one(entry):
    with pytest.raises(ProblemError) as error:
        entry.synthesise(crops(1), "Hapiness")
    (problem,) = error.value.problems
    assert problem.rule == "E06"
    assert "Happiness" in problem.fix


def test_a_vocabulary_without_one_task_of_classes_and_a_missing_picture_are_told_together():
    content = read_entry_file(FOLDER / "tiny.toml", {"vocabulary": "abaw10-va"})
    with pytest.raises(ProblemError) as error:
        make_entry(content.model_copy(update={"picture": None}), FOLDER / "tiny.toml")
    assert [problem.rule for problem in error.value.problems] == ["E02", "E02"]


def test_settings_that_contradict_each_other_are_problems_of_the_file():
    content = read_entry_file(FOLDER / "tiny.toml", {"settings.network.exchanges": 4})
    with pytest.raises(ProblemError) as error:
        make_entry(content, FOLDER / "tiny.toml")
    (problem,) = error.value.problems
    assert (problem.rule, problem.file) == ("E17", str(FOLDER / "tiny.toml"))
    assert "exchanges = 4" in problem.found
