"""Claims on drawn corpora: what they compare, exchanged frames, and statistics of people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.scoring import score
from abawbench.synthetic import simulate_predictions
from abawbench.synthetic.official import write_corpus
from abawbench.synthetic.settings import MULTI_TASK, CorpusSettings
from benchmarks.claims.claim import load_claim
from benchmarks.claims.corpora import FIGURES, WITHOUT, labels_of, principal_components, statistics_of, whole_folder
from benchmarks.claims.temporal import exchanged, put_back


@pytest.mark.parametrize("name", ["temporal", "pretraining"])
@pytest.mark.parametrize("large", [False, True])
def test_every_arm_that_runs_has_four_weights(name, large):
    claim = load_claim(name, large=large)
    assert {len(claim.arm(side.arm).weights) for side in claim.design} == {4}
    assert {arm.name for arm in claim.arms} == {side.arm for side in claim.design}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "drawn"
    write_corpus(CorpusSettings(8, 120, 1, WITHOUT, step=20, pictures=False), folder)
    return folder


def test_the_figures_of_all_people_together_are_those_of_the_official_score(corpus):
    truth = labels_of(corpus, "test")
    prediction = simulate_predictions(truth, 0.7, 3)
    statistics = statistics_of(corpus, truth, prediction)
    official = score(MULTI_TASK, truth, prediction)
    found = {figure.name: float(figure.value({k: v.sum(0) for k, v in statistics.items()})) for figure in FIGURES}
    assert found["score"] == pytest.approx(official.score)
    assert found["CCC"] == pytest.approx(official.terms["va"])
    assert found["F1 of expressions"] == pytest.approx(official.terms["expression"])
    assert found["F1 of action units"] == pytest.approx(official.terms["action_units"])


def test_exchanged_frames_come_from_other_videos_and_back(corpus):
    table = labels_of(corpus, "train")
    order = exchanged(table)
    assert sorted(order) == list(range(len(table)))
    assert (table.video[order] != table.video).mean() > 0.5
    # what is predicted in another order of the videos comes back to the frames that it is about
    moved = replace(table, values={name: values[order] for name, values in table.values.items()})
    shuffled = moved.take(np.argsort(-table.video, kind="stable"))
    assert not np.array_equal(shuffled.video, table.video)
    back = put_back(table, shuffled)
    for name, values in table.values.items():
        np.testing.assert_array_equal(back.values[name], values)


def test_components_are_those_of_the_training_frames():
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(60, 9)) * np.array([9, 3, *[0.1] * 7])
    found = principal_components({"train": frames, "test": frames[:5] + 2}, 2)
    assert found["train"].std(axis=0) == pytest.approx([1, 1 / 3], rel=0.3)
    assert np.abs(found["train"].mean(axis=0)).max() < 1e-6
    # another split is moved by the same map
    shift = found["test"] - found["train"][:5]
    assert np.ptp(shift, axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert np.abs(shift).max() > 0.1


def test_a_folder_that_is_written_by_halves_is_written_again(tmp_path):
    def fail():
        with whole_folder(tmp_path / "data") as unfinished:
            (unfinished / "half").write_text("")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not (tmp_path / "data").exists()
    with whole_folder(tmp_path / "data") as unfinished:
        (unfinished / "all").write_text("")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["all"]
