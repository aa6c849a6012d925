from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import answer, load_entry, uncovered
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry

HEAD = """\
name = "2026_test_fbn"
title = "a test"
kind = "facebehaviornet"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 48
colour = "RGB"
crop = "arcface-112"

[settings]
seed = 2
"""
TRUNK = '[settings.trunk]\nkind = "tiny_resnet"\n'
UNITS_17 = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 15, 17, 20, 23, 24, 25, 26]


def an_entry(root: Path, settings: str = "") -> FaceBehaviorEntry:
    folder = root / "2026_test_fbn"
    folder.mkdir(exist_ok=True)
    (folder / "entry.toml").write_text(HEAD + settings + TRUNK)
    entry = load_entry(folder)
    assert isinstance(entry, FaceBehaviorEntry)
    return entry


def a_clip(frames: int = 5):
    return clip_in_memory("v", np.random.default_rng(0).integers(0, 256, (frames, 48, 48, 3), np.uint8))


def test_answers_are_those_of_the_network(tmp_path):
    entry, clip = an_entry(tmp_path), a_clip()
    image_input = entry.network.trunk.card.image_input
    with torch.inference_mode():
        heads = entry.network(torch.from_numpy(image_input.pictures(clip.frames)))
    answers = entry.predict(clip)
    np.testing.assert_allclose(answers["va"], heads["valence_arousal"].numpy(), atol=1e-5)
    np.testing.assert_allclose(answers["expression"], heads["expression"].softmax(1).numpy(), atol=1e-5)
    np.testing.assert_allclose(answers["action_units"], heads["action_units"].sigmoid().numpy(), atol=1e-5)


def test_17_action_units_and_7_expressions_meet_the_challenge_by_name(tmp_path):
    names = ", ".join(f'"AU{number}"' for number in UNITS_17)
    classes = ["Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"]
    listed = ", ".join(f'"{name}"' for name in classes)
    entry = an_entry(tmp_path, f"action_units = [{names}]\nexpressions = [{listed}]\n")
    challenge = get("abaw4-mtl")
    assert uncovered(entry.card, challenge) == {"expression": ("Other",)}
    table = answer(entry, [a_clip()], challenge)
    answers = entry.predict(a_clip())
    columns = [UNITS_17.index(int(name[2:])) for name in challenge.task("action_units").columns]
    np.testing.assert_array_equal(table.values["action_units"], answers["action_units"][:, columns] >= 0.5)


def test_identity_and_attributes_are_tasks_where_they_have_names(tmp_path):
    entry = an_entry(tmp_path, 'identities = ["a", "b", "c"]\nattributes = ["beard", "hat"]\n')
    answers = entry.predict(a_clip())
    assert answers["identity"].shape == (5, 3)
    np.testing.assert_allclose(answers["identity"].sum(1), 1)
    assert answers["attributes"].shape == (5, 2)


def test_how_it_was_coupled_is_told_on_the_card_and_changes_no_answer(tmp_path):
    plain = an_entry(tmp_path).predict(a_clip())
    coupled = an_entry(tmp_path, 'coupling = "distribution_matching"\n')
    assert "coupling in training: distribution matching" in coupled.card.notes
    np.testing.assert_array_equal(coupled.predict(a_clip())["va"], plain["va"])


def test_linear_valence_and_arousal_are_brought_into_range(tmp_path):
    entry = an_entry(tmp_path)
    linear = an_entry(tmp_path, 'network = {valence_arousal = "linear"}\n')
    np.testing.assert_allclose(np.tanh(linear.predict(a_clip())["va"]), entry.predict(a_clip())["va"], atol=1e-5)


def test_without_weights_and_seed_both_are_asked_for(tmp_path):
    folder = tmp_path / "2026_test_fbn"
    folder.mkdir()
    (folder / "entry.toml").write_text(HEAD.replace("seed = 2\n", "") + TRUNK)
    with pytest.raises(ProblemError, match="E11"):
        load_entry(folder)
