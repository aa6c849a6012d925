from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.clips.clip import Clip, clip_in_memory
from abawbench.entries.baselines import classical
from abawbench.entries.baselines.classical import hog
from abawbench.entries.entry_file import read_settings
from abawbench.entries.model import Card
from abawbench.entries.outputs import uncovered
from abawbench.table import Table

VA = Continuous("va", ("valence", "arousal"), -1.0, 1.0, -5.0)
EXPRESSION = Categorical("expression", ("Neutral", "Happiness", "Sadness"), -1)
UNITS = MultiLabel("action_units", ("AU1", "AU12"), -1)
TASKS = (VA, EXPRESSION, UNITS)
CARD = Card("2026_test_hog", "test", (), None, (), (), False, "Apache-2.0", None, ())
FRAMES = 12
CLASSES = np.arange(FRAMES, dtype=np.int8) % 3


def striped(expression: int, noise: np.random.Generator) -> np.ndarray:
    """A crop whose stripes run across, along or aslant by class: what HOG must tell apart."""
    down, across = np.indices((112, 112))
    wave = np.sin((across, down, across + down)[expression] / 4)
    grey = 128 + 80 * wave + noise.normal(scale=10, size=(112, 112))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def clip_of(video: str, seed: int, valid: np.ndarray | None = None) -> Clip:
    noise = np.random.default_rng(seed)
    return clip_in_memory(video, np.stack([striped(int(c), noise) for c in CLASSES]), valid=valid)


def truth_of(*videos: str, va: bool = True, units: bool = True) -> Table:
    count = len(videos) * FRAMES
    expression = np.tile(CLASSES, len(videos))
    valence = np.select([expression == 1, expression == 2], [0.7, -0.7])
    return Table(
        videos=videos,
        video=np.repeat(np.arange(len(videos), dtype=np.int32), FRAMES),
        frame=np.tile(np.arange(1, FRAMES + 1, dtype=np.int32), len(videos)),
        values={
            "va": np.stack([valence, valence / 2], 1) if va else np.full((count, 2), np.nan),
            "expression": expression,
            "action_units": np.stack([np.zeros(count), expression == 1], 1).astype(np.int8)
            if units
            else np.full((count, 2), -1, np.int8),
        },
    )


def untrained() -> classical.UntrainedClassical:
    return classical.create(CARD, TASKS, classical.HogSettings(cell=16))


def fitted(truth: Table | None = None) -> classical.Classical:
    return untrained().fit((clip_of("a", 1), clip_of("b", 2)), truth or truth_of("a", "b"))


@pytest.fixture(scope="module")
def entry() -> classical.Classical:
    return fitted()


def test_a_flat_picture_has_no_edges():
    assert hog(np.full((1, 64, 64, 3), 90, np.uint8), cell=8).max() == 0


def test_brightness_and_contrast_hardly_move_the_histograms():
    noise = np.random.default_rng(0)
    crop = striped(0, noise)[np.newaxis] // 2 + 20
    assert np.abs(hog(crop, cell=16) - hog((crop * 1.5).astype(np.uint8), cell=16)).mean() < 0.01


def test_a_quarter_turn_of_the_stripes_moves_the_strongest_direction_by_half_the_circle():
    down, across = np.indices((64, 64))
    stripes = [(128 + 100 * np.sin(place / 3)).astype(np.uint8) for place in (across, down)]
    pictures = np.stack([np.repeat(grey[..., np.newaxis], 3, axis=2) for grey in stripes])
    histograms = hog(pictures, cell=16).reshape(2, -1, 9).mean(axis=1)
    # a horizontal gradient lies on the border of the first and the last direction, a vertical one amid the fifth
    assert set(np.argsort(histograms[0])[-2:]) == {0, 8}
    assert int(np.argmax(histograms[1])) == 4


def test_a_step_edge_is_shared_between_the_two_nearest_directions_by_hand():
    crop = np.zeros((1, 16, 16, 3), np.uint8)
    crop[:, :, 4:] = 255
    histogram = hog(crop, cell=8).reshape(4, 9)
    # two columns of strength 1 in the left cells, shared half and half by the first and last direction, then L2-Hys
    left = histogram[[0, 2]]
    assert left[:, [0, 8]] == pytest.approx(0.5, abs=1e-3)
    assert histogram.sum() == pytest.approx(2.0, abs=1e-2)


def test_it_learns_to_tell_the_classes_apart(entry):
    answers = entry.predict(clip_of("c", 3))
    assert np.array_equal(answers["expression"].argmax(axis=1), CLASSES)


def test_it_learns_an_action_unit(entry):
    answers = entry.predict(clip_of("c", 3))
    assert np.array_equal(answers["action_units"][:, 1] >= 0.5, CLASSES == 1)


def test_it_learns_valence(entry):
    expected = np.select([CLASSES == 1, CLASSES == 2], [0.7, -0.7])
    assert entry.predict(clip_of("c", 3))["va"][:, 0] == pytest.approx(expected, abs=0.2)


def test_a_unit_never_seen_active_gets_probability_zero(entry):
    assert entry.predict(clip_of("c", 3))["action_units"][:, 0].max() == 0


def test_a_class_never_seen_gets_probability_zero():
    truth = truth_of("a", "b")
    truth.values["expression"][truth.values["expression"] == 2] = -1
    answers = fitted(truth).predict(clip_of("c", 3))
    assert answers["expression"][:, 2].max() == 0
    assert answers["expression"].sum(axis=1) == pytest.approx(1)


def test_a_single_class_is_answered_with_certainty():
    truth = truth_of("a", "b")
    truth.values["expression"][:] = 1
    assert fitted(truth).predict(clip_of("c", 3))["expression"][:, 1].min() == 1


def test_tasks_without_labels_get_no_head_and_stand_not_in_the_card():
    assert [task.name for task in fitted(truth_of("a", "b", va=False, units=False)).card.tasks] == ["expression"]


def test_a_unit_without_labels_is_named_as_uncovered():
    from abawbench import challenges

    truth = truth_of("a", "b")
    truth.values["action_units"][:, 0] = -1
    assert "AU1" in uncovered(fitted(truth).card, challenges.get("abaw4-mtl"))["action_units"]


def test_mirroring_a_face_changes_nothing(entry):
    clip = clip_of("c", 3)
    mirrored = clip_in_memory("c", np.ascontiguousarray(clip.frames[:, :, ::-1]))
    assert entry.predict(mirrored)["expression"] == pytest.approx(entry.predict(clip)["expression"], abs=1e-6)


def test_frames_without_a_crop_teach_nothing():
    valid = np.arange(FRAMES) < 9
    blank = clip_of("b", 2, valid)
    spoilt = truth_of("a", "b")
    spoilt.values["expression"][FRAMES + 9 :] = 0
    clips = (clip_of("a", 1), blank)
    first = untrained().fit(clips, truth_of("a", "b")).heads[1].weight
    assert np.array_equal(untrained().fit(clips, spoilt).heads[1].weight, first)


def test_rows_of_other_videos_teach_nothing():
    clips = (clip_of("a", 1), clip_of("b", 2))
    more = untrained().fit(clips, truth_of("a", "b", "elsewhere")).heads[1].weight
    assert np.array_equal(more, fitted().heads[1].weight)


def test_the_order_of_the_rows_does_not_move_the_answers(entry):
    truth = truth_of("a", "b")
    backwards = truth.take(np.arange(len(truth))[::-1])
    clip = clip_of("c", 3)
    assert fitted(backwards).predict(clip)["expression"] == pytest.approx(entry.predict(clip)["expression"], abs=1e-3)


@pytest.mark.parametrize("clips", [(), (clip_of("z", 1),), (clip_of("a", 1, np.zeros(FRAMES, bool)),)])
def test_nothing_to_learn_from_is_a_problem(clips):
    with pytest.raises(ProblemError, match="E07"):
        untrained().fit(clips, truth_of("a", "b"))


def test_what_is_saved_and_loaded_answers_the_same(entry, tmp_path):
    classical.save(entry, tmp_path / "model.npz")
    loaded = classical.load(tmp_path / "model.npz")
    clip = clip_of("c", 3)
    before, after = entry.predict(clip), loaded.predict(clip)
    assert loaded.card == entry.card
    assert all(np.array_equal(before[task], after[task]) for task in before)


def test_saving_twice_gives_the_same_bytes(entry, tmp_path):
    classical.save(entry, tmp_path / "a.npz")
    classical.save(entry, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"\x80\x04N."])
def test_a_file_that_is_no_saved_entry_is_a_problem(tmp_path, content):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match="E04"):
        classical.load(path)


def test_a_pickled_array_is_refused_unread(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, facts=np.array([object()]))
    with pytest.raises(ProblemError, match="E04"):
        classical.load(path)


def test_crops_of_another_size_are_a_problem(entry):
    with pytest.raises(ProblemError, match="E06"):
        entry.predict(clip_in_memory("c", np.zeros((2, 160, 160, 3), np.uint8)))


@pytest.mark.parametrize("content", [{"cell": 1}, {"inverse_penalty": 0.0}])
def test_a_setting_out_of_range_is_a_problem(content):
    with pytest.raises(ProblemError, match="E02"):
        classical.create(CARD, TASKS, read_settings(classical.HogSettings, content, Path("entry.toml")))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("rows", [20, 200])
def test_the_head_is_scikit_learns_own_optimum(classes, rows):
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(5)
    target = np.arange(rows) % classes
    features = random.normal(size=(rows, 60)).astype(np.float32) + target[:, np.newaxis] * 0.3
    weight, bias = classical._logistic(features, target.astype(float), 4, 1.0)
    score = features @ weight + bias
    odds = np.exp(score[:, :classes] - score.max(axis=1, keepdims=True))
    expected = LogisticRegression(C=1.0, max_iter=5000, tol=1e-10).fit(features.astype(float), target)
    assert odds / odds.sum(axis=1, keepdims=True) == pytest.approx(expected.predict_proba(features), abs=1e-4)
