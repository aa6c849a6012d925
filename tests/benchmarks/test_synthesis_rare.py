from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.entries import load_entry
from abawbench.labels import EXPRESSIONS_7
from benchmarks.claims.claim import Cell, load_claim
from benchmarks.claims.synthesis_rare import ARMS, FACTORS, RARE, REGIME, SHARES, SIZE, rare_f1
from benchmarks.claims.synthesis_rare import second_stage as stage
from benchmarks.claims.synthesis_rare.generators import faces_of, kept_faces
from tests.models.shaking import one_thread

__all__ = ["one_thread"]

TINY = replace(SIZE, people=10, validation=2, test=3, steps=2, batch=4)
NUMBERS = [EXPRESSIONS_7.index(name) for name in RARE]


@pytest.fixture
def faces(monkeypatch, tmp_path):
    """Faces of noise, and the tiny twin as it is in place of a trained one."""

    def drawn(size, split, seed, out):
        people = {"training": size.people, "validation": size.validation, "test": size.test}[split]
        shape = (people, len(EXPRESSIONS_7), size.frames, 48, 48, 3)
        return np.random.default_rng([seed, people]).integers(0, 256, shape, np.uint8)

    monkeypatch.setattr(stage, "faces_of", drawn)
    monkeypatch.setattr(stage, "run_path", lambda *_: "2020_zhao_fersnet/tiny")
    return tmp_path


def test_a_tenth_of_the_people_show_a_rare_expression_and_all_show_the_others():
    for seed in range(3):
        shown = kept_faces(SIZE, seed).sum(0)
        assert shown.tolist() == [16 if one in NUMBERS else 160 for one in range(7)]
    assert not np.array_equal(kept_faces(SIZE, 0), kept_faces(SIZE, 1))


@pytest.mark.parametrize("arm", ["copied", "synthesised", "drawn"])
def test_every_arm_that_adds_faces_adds_as_many_of_each_rare_expression(arm, faces):
    known = stage.known_faces(TINY, 0, faces)
    entry = load_entry("2020_zhao_fersnet/tiny")
    pictures, expression = stage.added_faces(arm, known, entry, 0)
    count = np.bincount(expression, minlength=7)
    assert len(pictures) == len(expression)
    assert (count + np.bincount(known.expression[known.kept], minlength=7) == 20).all()
    assert set(np.flatnonzero(count)) == set(NUMBERS)


def test_copies_are_of_faces_that_training_has_and_drawn_ones_are_of_those_that_it_lacks(faces):
    known = stage.known_faces(TINY, 0, faces)
    has = {picture.tobytes() for picture in known.pictures[known.kept]}
    copied, drawn = (stage.added_faces(arm, known, None, 0)[0] for arm in ("copied", "drawn"))
    assert all(picture.tobytes() in has for picture in copied)
    assert not any(picture.tobytes() in has for picture in drawn)
    # each left-out face is drawn once, each real rare one is copied equally often
    assert len({picture.tobytes() for picture in drawn}) == len(drawn)
    copies = np.unique([picture.tobytes() for picture in copied], return_counts=True)[1]
    assert set(copies.tolist()) == {9}


def test_arms_without_added_faces_add_none(faces):
    known = stage.known_faces(TINY, 0, faces)
    for arm in ("as they are", "weighted"):
        assert len(stage.added_faces(arm, known, None, 0)[1]) == 0


def test_a_weight_makes_a_rare_class_as_strong_in_the_loss_as_a_frequency_in_the_faces():
    # 32 real faces, and 288 of the frequency
    assert [1 + 9 * share for share in SHARES] == pytest.approx(FACTORS, abs=1e-9)


@pytest.mark.parametrize("arm", [arm.name for arm in ARMS])
def test_a_cell_counts_every_face_of_the_test_and_gives_the_same_again(arm, faces):
    first, second = (stage.run_cell(TINY, False, Cell(REGIME, arm, 0.3, (0,)), faces) for _ in range(2))
    assert first.statistics["expression"].shape == (1, 3, 7, 7)
    assert (first.statistics["expression"].sum(-1) == 2).all()
    assert np.array_equal(first.statistics["expression"], second.statistics["expression"])


def test_the_second_stage_changes_the_answers_and_leaves_the_first_as_it_was(faces):
    entry = load_entry("2020_zhao_fersnet/tiny")
    known = stage.known_faces(TINY, 0, faces)
    before = entry.network.classifier.weight.clone()
    stage._learn_on(entry, "copied", 1.0, known, stage.added_faces("copied", known, entry, 0), TINY, 0, "cpu")
    assert not np.array_equal(before, entry.network.classifier.weight.detach())


def test_the_f1_of_the_rare_leaves_out_the_frequent_classes():
    counts = np.diag(np.arange(7.0) + 1)
    neutral = EXPRESSIONS_7.index("Neutral")
    counts[neutral] = [0, 0, 0, 0, 5, 0, 0]
    assert rare_f1({"expression": counts}) == pytest.approx(1.0)


def test_people_of_the_test_are_drawn_once_and_are_nobody_of_training(tmp_path):
    tiny = replace(SIZE, people=1, test=1)
    test, training = faces_of(tiny, "test", 0, tmp_path), faces_of(tiny, "training", 0, tmp_path)
    assert test.shape == (1, 7, 2, 64, 64, 3)
    assert np.array_equal(test, faces_of(tiny, "test", 1, tmp_path))
    assert not np.array_equal(training, faces_of(tiny, "training", 1, tmp_path))
    assert not np.array_equal(test, training)


def test_the_claim_needs_help_over_nothing_and_over_copies():
    claim = load_claim("synthesis_rare")
    primary = [(each.first.arm, each.second.arm) for each in claim.comparisons if each.is_primary]
    assert primary == [("synthesised", "as they are"), ("synthesised", "copied")]
    assert all(len(arm.weights) == 4 for arm in claim.arms if arm.name != "before")


def test_the_facts_say_how_often_a_judge_finds_the_expression_that_was_asked_for(faces, monkeypatch):
    class AlwaysFear:
        def expressions(self, pictures):
            return np.full(len(pictures), EXPRESSIONS_7.index("Fear"))

    monkeypatch.setattr("benchmarks.claims.synthesis.judges.load_judges", lambda _: AlwaysFear())
    found = stage.judged(TINY, 2, faces)
    assert found == {
        "real faces": 4 * 20 + 3 * 2,
        "added faces": 3 * 18,
        "synthesised Disgust found by the judge": 0,
        "synthesised Fear found by the judge": 1,
        "synthesised Sadness found by the judge": 0,
    }
