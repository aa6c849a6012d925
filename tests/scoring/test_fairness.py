"""Fairness between groups: parity with fairlearn and with scores of the groups alone, planted differences, hiding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, equalized_odds_difference
from sklearn.metrics import accuracy_score

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.metrics.holm import holm
from abawbench.scoring import Resampling, pair, score
from abawbench.scoring.fairness import fairness
from abawbench.scoring.row_groups import Attribute, RowGroups
from abawbench.table import Table

MTL, EXPR = get("abaw4-mtl"), get("abaw5-expr")
FAST = Resampling(200)


def corpus(videos, frames, seed=0, error=0.3):
    """Truth and prediction of all tasks; `error` is the share of wrong answers, one number or one for each video."""
    random = np.random.default_rng(seed)
    rows = videos * frames
    video = np.repeat(np.arange(videos, dtype=np.int32), frames)
    frame = np.tile(np.arange(1, frames + 1, dtype=np.int32), videos)
    wrong = random.random(rows) < np.broadcast_to(error, videos)[video]
    truth = {
        "va": random.uniform(-1, 1, (rows, 2)),
        "expression": random.integers(0, 8, rows).astype(np.int8),
        "action_units": (random.random((rows, 12)) < 0.4).astype(np.int8),
    }
    other = {
        "va": random.uniform(-1, 1, (rows, 2)),
        "expression": random.integers(0, 8, rows).astype(np.int8),
        "action_units": (random.random((rows, 12)) < 0.4).astype(np.int8),
    }
    answer = {
        name: np.where(wrong if values.ndim == 1 else wrong[:, None], other[name], values)
        for name, values in truth.items()
    }
    names = tuple(f"video{number}" for number in range(videos))
    return Table(names, video, frame, truth), Table(names, video, frame, answer)


def grouped(truth, *names_of_videos, names=("gender", "race")):
    """Attributes from a name for each video, None for no group."""
    attributes = []
    for name, of_video in zip(names, names_of_videos, strict=False):
        groups = tuple(sorted({group for group in of_video if group is not None}))
        place = np.array([-1 if group is None else groups.index(group) for group in of_video], np.int32)
        attributes.append(Attribute(name, groups, place[truth.video], {}))
    return RowGroups(tuple(attributes), ())


def only(challenge, truth, prediction):
    names = [task.name for task in challenge.tasks]
    return tuple(replace(table, values={name: table.values[name] for name in names}) for table in (truth, prediction))


def test_the_figures_of_a_group_are_those_of_its_videos_alone():
    truth, prediction = corpus(12, 20)
    of_video = ["f", "m", None] * 4
    found = fairness(MTL, pair(MTL, truth, prediction), grouped(truth, of_video), least=2, resampling=FAST)
    for group, own in found["attributes"]["gender"]["groups"].items():
        rows = np.flatnonzero([of_video[place] == group for place in truth.video])
        alone = score(MTL, truth.take(rows), prediction.take(rows), resampling=FAST)
        figures = own["figures"]
        assert figures["score"]["value"] == pytest.approx(alone.score, abs=1e-12)
        assert figures["metrics.ccc_arousal"]["value"] == pytest.approx(alone.metrics["ccc_arousal"], abs=1e-12)
        fear = figures["metrics.f1_expression_per_class.Fear"]["value"]
        per_class = alone.metrics["f1_expression_per_class"]
        assert isinstance(per_class, Mapping)
        assert fear == pytest.approx(per_class["Fear"], abs=1e-12)
        assert (own["clusters"], own["rows"]) == (4, 80)
        assert figures["score"]["interval"] == pytest.approx(alone.intervals["score"]["jackknife"], abs=1e-9)
        interval = alone.intervals["metrics"]["f1_action_units"]["jackknife"]
        assert figures["metrics.f1_action_units"]["interval"] == pytest.approx(interval, abs=1e-9)


def test_gap_worst_group_and_mean_follow_from_the_figures():
    truth, prediction = corpus(9, 20)
    found = fairness(MTL, pair(MTL, truth, prediction), grouped(truth, list("abc") * 3), least=1, resampling=FAST)
    own = found["attributes"]["gender"]
    for path, figure in own["figures"].items():
        values = {group: one["figures"][path]["value"] for group, one in own["groups"].items()}
        assert figure["mean"] == pytest.approx(np.mean(list(values.values())))
        assert figure["gap"]["value"] == pytest.approx(max(values.values()) - min(values.values()))
        assert values[figure["worst"]] == min(values.values())
        low, high = figure["gap"]["interval"]
        assert 0 <= low <= figure["gap"]["value"] <= high


def test_rows_without_a_label_do_not_count_and_the_rest_equals_fairlearn():
    truth, prediction = only(EXPR, *corpus(10, 30, error=[0.2, 0.6] * 5))
    truth.values["expression"][::4] = -1
    of_video = ["f", "m"] * 5
    found = fairness(EXPR, pair(EXPR, truth, prediction), grouped(truth, of_video), resampling=FAST)
    own, rows = found["attributes"]["gender"], truth.values["expression"] >= 0
    known, given = truth.values["expression"][rows], prediction.values["expression"][rows]
    group = np.array(of_video)[truth.video[rows]]
    frame = MetricFrame(metrics=accuracy_score, y_true=known, y_pred=given, sensitive_features=group)
    accuracy = own["figures"]["metrics.accuracy_expression"]
    assert accuracy["gap"]["value"] == pytest.approx(frame.difference(), abs=1e-12)
    assert own["groups"]["m"]["figures"]["metrics.accuracy_expression"]["value"] == pytest.approx(frame.by_group["m"])
    odds = [equalized_odds_difference(known == c, given == c, sensitive_features=group) for c in range(8)]
    assert own["parity"]["expression"]["equalised_odds_difference"]["value"] == pytest.approx(np.mean(odds))
    assert own["groups"]["f"]["valid"] == {"expression": int((group == "f").sum())}


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_difference_is_found_and_a_perfect_answer_has_none_but_parity(seed):
    videos = 40
    gender = ["f", "m"] * (videos // 2)
    truth, prediction = corpus(videos, 25, seed, np.array([0.2, 0.5] * (videos // 2)))
    planted = fairness(MTL, pair(MTL, truth, prediction), grouped(truth, gender), resampling=FAST)
    own = planted["attributes"]["gender"]
    for path in planted["main"]:
        assert own["figures"][path]["worst"] == "m"
        assert own["figures"][path]["gap"]["interval"][0] > 0
        assert own["figures"][path]["gap"]["p"] < 0.01
    # more men are happy: parity differs although every answer is right
    happy = np.array(gender)[truth.video] == "m"
    truth.values["expression"][happy & (truth.frame % 2 == 0)] = 4
    perfect = fairness(MTL, pair(MTL, truth, truth), grouped(truth, gender), resampling=FAST)["attributes"]["gender"]
    assert perfect["figures"]["score"]["gap"]["value"] == pytest.approx(0, abs=1e-12)
    assert perfect["parity"]["expression"]["equalised_odds_difference"]["value"] == 0
    assert perfect["parity"]["expression"]["statistical_parity"]["interval"][0] > 0.2


def test_p_is_adjusted_for_all_differences_that_are_shown_and_for_no_others():
    truth, prediction = corpus(40, 25, 0, np.array([0.2, 0.5] * 20))
    result = fairness(MTL, pair(MTL, truth, prediction), grouped(truth, ["f", "m"] * 20), resampling=FAST)
    own = result["attributes"]["gender"]
    shown = [own["figures"][path]["gap"] for path in result["main"]]
    shown += [measure for measures in own["parity"].values() for measure in measures.values()]
    assert [one["p_holm"] for one in shown] == holm([one["p"] for one in shown])
    others = [figure["gap"] for path, figure in own["figures"].items() if path not in result["main"]]
    assert {gap["p_holm"] for gap in others if gap is not None} == {None}


def test_where_there_is_no_difference_five_percent_are_found_and_intervals_reach_0(monkeypatch):
    monkeypatch.setattr("abawbench.scoring.fairness.PERMUTATIONS", 200)
    trials, found, reached = 40, 0, 0
    for seed in range(trials):
        truth, prediction = only(EXPR, *corpus(24, 8, seed, np.random.default_rng(seed).beta(2, 4, 24)))
        groups = grouped(truth, list("abc") * 8)
        result = fairness(EXPR, pair(EXPR, truth, prediction), groups, resampling=Resampling(300, seed))
        gap = result["attributes"]["gender"]["figures"]["metrics.accuracy_expression"]["gap"]
        found += gap["p"] < 0.05
        reached += gap["interval"][0] == 0
    assert found <= 6
    assert reached >= 0.85 * trials


def test_small_groups_are_hidden_and_have_no_part_in_gaps():
    truth, prediction = corpus(12, 10, error=[0.9] + [0.1] * 11)
    gender = ["x"] + ["f"] * 6 + ["m"] * 5
    paired = pair(MTL, truth, prediction)
    found = fairness(MTL, paired, grouped(truth, gender), resampling=FAST)
    own = found["attributes"]["gender"]
    assert own["groups"]["x"]["figures"] is None
    without = fairness(MTL, paired, grouped(truth, [None, *gender[1:]]), resampling=FAST)["attributes"]["gender"]
    for path, figure in own["figures"].items():
        other = without["figures"][path]
        assert (figure["worst"], figure["mean"]) == (other["worst"], pytest.approx(other["mean"]))
        assert figure["gap"]["value"] == pytest.approx(other["gap"]["value"], abs=1e-9)
    assert "gender: hidden, with fewer than 5 videos: x (1)" in found["flags"]
    shown = fairness(MTL, paired, grouped(truth, gender), least=1, resampling=FAST)["attributes"]["gender"]
    assert shown["figures"]["score"]["worst"] == "x"


def test_one_group_alone_has_figures_and_no_gap():
    truth, prediction = corpus(6, 10)
    found = fairness(MTL, pair(MTL, truth, prediction), grouped(truth, ["f"] * 6), resampling=FAST)
    own = found["attributes"]["gender"]
    assert own["figures"]["score"]["gap"] is None
    assert own["parity"] == {}
    assert "gender: fewer than two groups are shown, so there is no gap" in found["flags"]


def test_where_every_group_is_small_nothing_is_shown():
    truth, prediction = corpus(6, 10)
    found = fairness(MTL, pair(MTL, truth, prediction), grouped(truth, list("abc") * 2), resampling=FAST)
    own = found["attributes"]["gender"]
    assert {one["figures"] for one in own["groups"].values()} == {None}
    assert (own["figures"], own["parity"], found["main"]) == ({}, {}, [])


def test_an_attribute_that_no_row_has_is_told():
    truth, prediction = corpus(6, 10)
    found = fairness(MTL, pair(MTL, truth, prediction), grouped(truth, [None] * 6), resampling=FAST)
    assert found["attributes"] == {}
    assert "gender: names no group of a scored row" in found["flags"]


def test_subjects_are_resampled_and_counted_instead_of_videos():
    truth, prediction = corpus(12, 10)
    gender = ["f", "m"] * 6
    subjects = {name: f"subject{place // 4}{gender[place]}" for place, name in enumerate(truth.videos)}
    groups, paired = grouped(truth, gender), pair(MTL, truth, prediction)
    found = fairness(MTL, paired, groups, least=3, resampling=Resampling(200, 0, subjects))
    assert found["unit"] == "subject"
    assert found["attributes"]["gender"]["groups"]["f"]["clusters"] == 3
    assert "gender: only 6 subjects: intervals over fewer than 30 are too narrow" in found["flags"]
    del subjects["video3"]
    with pytest.raises(ProblemError, match="no subject for video3"):
        fairness(MTL, paired, groups, resampling=Resampling(200, 0, subjects))


def test_where_a_video_has_rows_of_several_groups_there_is_no_test_by_chance():
    truth, prediction = corpus(8, 10)
    kind = Attribute("light", ("dark", "bright"), (truth.frame % 2).astype(np.int32), {})
    found = fairness(MTL, pair(MTL, truth, prediction), RowGroups((kind,), ()), resampling=FAST)
    gap = found["attributes"]["light"]["figures"]["score"]["gap"]
    assert (gap["by_chance"], gap["p"]) == (None, None)
    assert gap["interval"] is not None
    assert "light: a video has rows of several groups, so there is no test by chance" in found["flags"]


def test_a_class_that_one_group_lacks_is_told_since_it_counts_as_0_there():
    truth, prediction = only(EXPR, *corpus(10, 40))
    for table in (truth, prediction):
        values = table.values["expression"]
        values[(table.video % 2 == 0) & (values == 3)] = 0
    found = fairness(EXPR, pair(EXPR, truth, prediction), grouped(truth, ["f", "m"] * 5), resampling=FAST)
    (told,) = [flag for flag in found["flags"] if flag.startswith("gender, f:")]
    assert "Fear in neither truth nor prediction, F1 counts as 0" in told


def test_the_same_seed_gives_the_same_result():
    truth, prediction = corpus(10, 10)
    groups, paired = grouped(truth, ["f", "m"] * 5), pair(MTL, truth, prediction)
    assert fairness(MTL, paired, groups, resampling=FAST) == fairness(MTL, paired, groups, resampling=FAST)
