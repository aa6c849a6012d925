from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import load_entry
from abawbench.entries.networks.compound import CompoundEntry
from abawbench.labels import COMPOUND_7
from abawbench.models.compound import compound_scores

SUBMISSIONS = Path(__file__).parents[3] / "submissions"
TINY = "2021_kollias_facebehaviornet-compound/tiny"
CROPS = np.random.default_rng(0).integers(0, 256, (4, 112, 112, 3), np.uint8)


@pytest.fixture
def entry() -> CompoundEntry:
    found = load_entry(TINY, root=SUBMISSIONS)
    assert isinstance(found, CompoundEntry)
    return found


def test_the_answer_is_the_greatest_score_of_what_the_other_entry_says(entry):
    clip = clip_in_memory("v", CROPS, valid=np.array([True, True, False, True]))
    said, card = entry.basic.predict(clip), entry.basic.card
    names = {task.name: getattr(task, "classes", None) or getattr(task, "columns", ()) for task in card.tasks}
    expected = compound_scores(
        said["action_units"],
        said["expression"],
        said["va"][:, 0],
        unit_names=names["action_units"],
        expression_names=names["expression"],
    )
    found = entry.predict(clip)["compound"]
    assert found.shape == (4, len(COMPOUND_7))
    np.testing.assert_allclose(found[clip.valid].sum(1), 1)
    assert np.isnan(found[2]).all()
    np.testing.assert_array_equal(found[clip.valid].argmax(1), expected[clip.valid].argmax(1))


def test_no_score_at_all_is_an_even_answer(entry, monkeypatch):
    zero = {
        "action_units": np.zeros((4, 17)),
        "expression": np.eye(7)[[0] * 4],
        "va": np.zeros((4, 2)),
    }
    monkeypatch.setattr(type(entry.basic), "answer", lambda self, seen, clip: zero)
    np.testing.assert_allclose(entry.predict(clip_in_memory("v", CROPS))["compound"], 1 / 7)


@pytest.mark.parametrize(
    ("setting", "parts", "mean"),
    [
        ('parts = ["expressions"]\nmean = "harmonic"', ("expressions",), "harmonic"),
        ('parts = ["action_units"]', ("action_units",), "arithmetic"),
        ('mean = "geometric"', ("action_units", "expressions", "valence"), "geometric"),
    ],
)
def test_parts_and_mean_of_the_score_are_settings(tmp_path, setting, parts, mean):
    found = load_entry(copied(tmp_path, 'matching/tiny.toml"', f'matching/tiny.toml"\n{setting}'))
    clip = clip_in_memory("v", CROPS)
    said, card = found.basic.predict(clip), found.basic.card
    expected = compound_scores(
        said["action_units"],
        said["expression"],
        said["va"][:, 0],
        unit_names=card.task("action_units").outputs,
        expression_names=card.task("expression").outputs,
        parts=parts,
        mean=mean,
    )
    np.testing.assert_allclose(found.predict(clip)["compound"], expected / expected.sum(1, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("setting", ['parts = ["valence"]', "parts = []", 'parts = ["colour"]', 'mean = "median"'])
def test_a_score_without_a_part_that_tells_compounds_apart_is_refused(tmp_path, setting):
    with pytest.raises(ProblemError, match="E02"):
        load_entry(copied(tmp_path, 'matching/tiny.toml"', f'matching/tiny.toml"\n{setting}'))


def copied(folder: Path, old: str, new: str) -> Path:
    """A copy of the tiny entry in which a text is replaced."""
    text = (SUBMISSIONS / f"{TINY}.toml").read_text().replace("-compound-tiny", "-compound")
    place = folder / "2021_kollias_facebehaviornet-compound"
    place.mkdir()
    (place / "entry.toml").write_text(text.replace(old, new).replace("../", f"{SUBMISSIONS}/"))
    return place


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("facebehaviornet-distribution-matching/tiny.toml", "facebehaviornet-nothing"),
        ('vocabulary = "abaw7-ce"', 'vocabulary = "abaw4-mtl"'),
        ("../2021_kollias_facebehaviornet-distribution-matching/tiny.toml", "../2026_abawbench_prior"),
    ],
)
def test_an_entry_that_cannot_be_asked_is_told(tmp_path, old, new):
    with pytest.raises(ProblemError) as caught:
        load_entry(copied(tmp_path, old, new))
    assert {problem.rule for problem in caught.value.problems} <= {"E01", "E02"}
