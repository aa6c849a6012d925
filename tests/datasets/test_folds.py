from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from abawbench.base.problems import ProblemError
from abawbench.challenges import MultiLabel, get
from abawbench.datasets.folds import check_folds, count, make_folds, read_folds, write_folds
from abawbench.datasets.label_file import read_label_file, write_labels
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers.labels import Labels
from abawbench.datasets.stratify import stratify
from abawbench.table import Table, video_of

TASKS = get("abaw4-mtl").tasks


def corpus(videos: int, seed: int, *, frames: int = 300) -> Table:
    """A truth as skewed as the real one: long and short videos, few classes in each, rare labels, missing ones."""
    random = np.random.default_rng(seed)
    names = [f"{place}-1280x720" + ("", "_left", "_right")[place % 3] for place in range(videos)]
    lengths = random.integers(frames // 10, frames, videos)
    video = np.repeat(np.arange(videos, dtype=np.int32), lengths)
    rows = len(video)
    shares = random.dirichlet(np.array([3, 0.2, 0.15, 0.15, 1.5, 0.7, 0.4, 1]), videos)
    expression = np.concatenate([random.choice(8, n, p=p) for n, p in zip(lengths, shares, strict=True)])
    expression[random.random(rows) < 0.4] = -1
    rates = np.clip(random.beta(0.4, 2, (videos, 12)), 0, 1)
    units = (random.random((rows, 12)) < rates[video]).astype(np.int8)
    units[random.random(rows) < 0.2] = -1
    mood = random.normal(0, 0.4, (videos, 2))[video]
    va = np.clip(mood + random.normal(0, 0.2, (rows, 2)), -1, 1)
    va[random.random(rows) < 0.1] = np.nan
    values = {"va": va, "expression": expression.astype(np.int8), "action_units": units}
    frame = np.concatenate([np.arange(1, n + 1) for n in lengths]).astype(np.int32)
    return Table(tuple(names), video, frame, values, source="truth.txt")


def unevenness(counts: np.ndarray, fold: np.ndarray, folds: int) -> float:
    """Root of the mean square of how far each fold is from an equal share of each count, as a part of that share."""
    sums = np.stack([counts[fold == place].sum(axis=0) for place in range(folds)])
    return float(np.sqrt(np.mean((sums * folds / counts.sum(axis=0) - 1) ** 2)))


def test_four_groups_that_pair_up_exactly_are_paired():
    counts = np.array([[10.0, 0, 4], [10, 0, 4], [0, 10, 4], [0, 10, 4]])
    fold = stratify(counts, np.ones(3), 2)
    assert fold[0] != fold[1]
    assert fold[2] != fold[3]


def test_a_swap_finds_what_dealing_the_largest_first_misses():
    sizes = np.array([[8.0], [7], [6], [5], [4]])
    sums = [sizes[stratify(sizes, np.ones(1), 2) == place].sum() for place in range(2)]
    assert sorted(sums) == [15, 15]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(2, 40), st.integers(2, 6), st.integers(0, 10_000), st.integers(0, 3))
def test_every_group_is_in_one_fold_and_no_fold_is_empty(groups, folds, data_seed, seed):
    groups = max(groups, folds)
    counts = np.random.default_rng(data_seed).integers(0, 50, (groups, 5)).astype(float) + 1
    fold = stratify(counts, np.ones(5), folds, seed)
    assert fold.shape == (groups,)
    assert set(fold.tolist()) == set(range(folds))
    assert np.array_equal(fold, stratify(counts, np.ones(5), folds, seed))


def test_no_move_of_one_group_and_no_swap_of_two_would_be_better():
    counts = np.random.default_rng(5).gamma(0.3, 100, (24, 6)) + 1
    fold = stratify(counts, np.ones(6), 3)
    # the groups themselves are the last count, as stratify has it
    full = np.column_stack([counts, np.ones(24)])

    def loss(chosen: np.ndarray) -> float:
        sums = np.stack([full[chosen == place].sum(axis=0) for place in range(3)]) / full.sum(axis=0)
        return float(((sums - 1 / 3) ** 2).sum())

    best = loss(fold)
    for one in range(24):
        for place in range(3):
            moved = fold.copy()
            moved[one] = place
            assert loss(moved) > best - 1e-9
        for other in range(one):
            swapped = fold.copy()
            swapped[[one, other]] = swapped[[other, one]]
            assert loss(swapped) > best - 1e-9


@pytest.mark.parametrize("videos", [60, 200])
def test_folds_are_more_even_than_those_of_scikit_learn(videos):
    table = corpus(videos, 1, frames=120)
    counts = count(table, TASKS).values.astype(float)
    ours = stratify(counts, count(table, TASKS).weights, 5)
    expression = table.classes("expression")
    keep = expression >= 0
    peers = {}
    for peer in (StratifiedGroupKFold(5), GroupKFold(5)):
        fold = np.zeros(videos, int)
        for place, (_, test) in enumerate(peer.split(expression[keep], expression[keep], table.video[keep])):
            fold[np.unique(table.video[keep][test])] = place
        peers[type(peer).__name__] = unevenness(counts, fold, 5)
    assert unevenness(counts, ours, 5) < 0.6 * min(peers.values()), peers


def test_counts_by_hand():
    table = Table(
        videos=("a", "b"),
        video=np.array([0, 0, 1], np.int32),
        frame=np.array([1, 2, 1], np.int32),
        values={
            "expression": np.array([3, -1, 0], np.int8),
            "action_units": np.array([[1, -1], [0, -1], [1, 1]], np.int8),
            "va": np.array([[0.5], [np.nan], [-0.5]]),
        },
    )
    counts = count(table)
    assert dict(zip(counts.names, counts.values.T.tolist(), strict=True)) == {
        "rows": [2, 1],
        "expression=0": [0, 1],
        "expression=3": [1, 0],
        "action_units[0]=0": [1, 0],
        "action_units[0]=1": [1, 1],
        "action_units[1]=1": [0, 1],
        "va[0] 1 of 5 (<=-0.3)": [0, 1],
        "va[0] 5 of 5 (>0.3)": [1, 0],
    }
    assert counts.weights == pytest.approx([1, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2])


def test_counts_of_a_task_add_up_to_its_annotated_rows():
    table = corpus(20, 3)
    counts = count(table, TASKS)
    expressions = [place for place, name in enumerate(counts.names) if name.startswith("expression=")]
    assert counts.values[:, expressions].sum() == (table.classes("expression") >= 0).sum()
    valence = [place for place, name in enumerate(counts.names) if name.startswith("valence ")]
    assert counts.values[:, valence].sum() == (~np.isnan(table.numbers("va")[:, 0])).sum()


def test_persons_of_one_video_stay_together():
    base = corpus(30, 2)
    names = tuple(f"{place // 2}" + ("_left", "_right")[place % 2] for place in range(30))
    folds = make_folds(Table(names, base.video, base.frame, base.values), folds=4, tasks=TASKS)
    for units in folds.members:
        assert {video_of(unit) for unit in units}.isdisjoint(
            video_of(other) for others in folds.members if others is not units for other in others
        )


def test_subjects_stay_together_and_so_do_those_who_share_a_video():
    base = corpus(8, 4)
    names = ("1_left", "1_right", "2", "3", "4", "5", "6", "7")
    subjects = {"1_left": "Ada", "1_right": "Bo", "2": "Bo", "3": "Ada"} | {
        str(place): f"S{place}" for place in range(4, 8)
    }
    table = Table(names, base.video, base.frame, base.values)
    folds = make_folds(table, folds=3, groups=subjects)
    assert folds.by == "subject"
    assert any({"1_left", "1_right", "2", "3"} <= set(units) for units in folds.members)
    by_video = make_folds(
        table,
        folds=3,
        groups={video_of(name): "one" for name in names[:5]} | dict.fromkeys(names[5:], "x") | {"7": "y"},
    )
    assert sorted(map(len, by_video.members)) == [1, 2, 5]


def test_the_order_of_the_rows_does_not_matter():
    table = corpus(25, 6)
    random = np.random.default_rng(0)
    rows = random.permutation(len(table))
    shuffled = table.take(rows)
    names = tuple(np.array(table.videos)[random.permutation(25)])
    place = {name: number for number, name in enumerate(names)}
    renumbered = np.array([place[name] for name in table.videos], np.int32)[shuffled.video]
    other = Table(names, renumbered, shuffled.frame, shuffled.values)
    assert make_folds(table, tasks=TASKS).hash == make_folds(other, tasks=TASKS).hash


def test_another_seed_deals_differently_and_about_as_evenly():
    table = corpus(60, 7)
    one, other = make_folds(table, seed=0), make_folds(table, seed=1)
    assert one.hash != other.hash
    evenness = [float(np.sqrt((folds.unevenness**2).mean())) for folds in (one, other)]
    assert max(evenness) < 1.5 * min(evenness)


def test_train_and_test_rows_share_no_video_and_cover_everything():
    table = corpus(20, 8)
    folds = make_folds(table, folds=3)
    tested = []
    for fold in range(3):
        train, test = folds.split(table, fold)
        assert {video_of(table.videos[video]) for video in table.video[train]}.isdisjoint(
            video_of(table.videos[video]) for video in table.video[test]
        )
        assert len(train) + len(test) == len(table)
        tested.append(test)
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(len(table)))


def test_what_is_written_is_read_back_and_verified(tmp_path):
    table = corpus(20, 9)
    folds = make_folds(table, tasks=TASKS, seed=3)
    write_folds(folds, tmp_path / "folds.json")
    again = read_folds(tmp_path / "folds.json", table, TASKS)
    assert again.hash == folds.hash
    assert again.members == folds.members
    assert again.seed == 3
    assert np.array_equal(again.counts, folds.counts)


def swap_two(content):
    one, other = content["folds"][0]["members"], content["folds"][1]["members"]
    one[0], other[0] = other[0], one[0]


def twice(content):
    content["folds"][0]["members"][0] = content["folds"][1]["members"][0]


def fewer(content):
    content["folds"][0]["counts"]["rows"] -= 1


def unnamed(content):
    del content["folds"][1]["counts"]["rows"]


def other_format(content):
    content["format"] = "folds of another tool"


@pytest.mark.parametrize("spoil", [swap_two, twice, fewer, unnamed, other_format])
def test_a_changed_file_is_refused(tmp_path, spoil):
    write_folds(make_folds(corpus(20, 9)), tmp_path / "folds.json")
    content = json.loads((tmp_path / "folds.json").read_text())
    spoil(content)
    (tmp_path / "folds.json").write_text(json.dumps(content))
    with pytest.raises(ProblemError, match="D23"):
        read_folds(tmp_path / "folds.json")


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"format": "abawbench folds 1", "folds": []}', "3"])
def test_a_file_that_is_no_folds_is_refused(tmp_path, text):
    (tmp_path / "folds.json").write_text(text)
    with pytest.raises(ProblemError, match="D23"):
        read_folds(tmp_path / "folds.json")
    with pytest.raises(ProblemError, match="F01"):
        read_folds(tmp_path / "absent.json")


def test_folds_of_other_units_or_other_labels_are_refused():
    table = corpus(20, 9)
    folds = make_folds(table, tasks=TASKS)
    check_folds(folds, table, TASKS)
    with pytest.raises(ProblemError, match="not in the data") as error:
        check_folds(folds, corpus(19, 9))
    assert [problem.rule for problem in error.value.problems] == ["D23"]
    with pytest.raises(ProblemError, match="in no fold"):
        check_folds(folds, corpus(23, 9))
    with pytest.raises(ProblemError, match="as the data have"):
        check_folds(folds, table.take(np.arange(len(table) - 1)))
    relabelled = dict(table.values) | {"expression": np.zeros(len(table), np.int8)}
    other = Table(table.videos, table.video, table.frame, relabelled)
    check_folds(folds, other)
    with pytest.raises(ProblemError, match="expression"):
        check_folds(folds, other, TASKS)
    with pytest.raises(ProblemError, match="D23"):
        folds.of(corpus(21, 9))


@pytest.mark.parametrize("folds", [1, 21])
def test_more_folds_than_videos_are_refused(folds):
    with pytest.raises(ProblemError, match="D24"):
        make_folds(corpus(20, 9), folds=folds)


def test_a_video_without_subject_is_refused():
    with pytest.raises(ProblemError, match="C02") as error:
        make_folds(corpus(20, 9), groups={"0-1280x720": "S1"})
    assert error.value.problems[0].count == 19


def test_labels_in_parquet_are_classes_values_and_action_units(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(
        {
            "video": ["a", "a", "b", "b"],
            "frame": [1, 2, 1, 2],
            "subject": ["S1", "S1", "S2", None],
            "split": ["train", "train", "train", "test"],
            "valence": [0.1, None, 0.3, 0.4],
            "expression": ["Fear", "Anger", None, "Fear"],
            "level": pd.array([2, 0, None, 1], "Int16"),
            "AU1": pd.array([1, None, 0, 1], "Int8"),
            "AU2": pd.array([0, 0, 0, 1], "Int8"),
        }
    )
    frame.to_parquet(tmp_path / "labels.parquet")
    labels = read_label_file(tmp_path / "labels.parquet")
    assert labels.subjects == {"a": "S1", "b": "S2"}
    assert labels.table.classes("expression").tolist() == [1, 0, -1, 1]
    assert labels.table.classes("level").tolist() == [2, 0, -1, 1]
    assert {task.name for task in labels.tasks} == {"expression", "level", "va", "action_units"}
    assert labels.table.classes("action_units").tolist() == [[1, 0], [-1, 0], [0, 0], [1, 1]]
    assert "expression=Fear" in count(labels.table, labels.tasks).names
    assert len(read_label_file(tmp_path / "labels.parquet", "train").table) == 3
    with pytest.raises(ProblemError, match="F02"):
        read_label_file(tmp_path / "labels.parquet", "validation")


def test_what_data_read_writes_is_read_back_with_its_classes(tmp_path):
    manifest = get_manifest("crema-d")
    tasks = (get("abaw6-expr").tasks[0], MultiLabel("attributes", ("Young", "AU1"), None))
    values = {
        "expression": np.array([1, -1, 7], np.int8),
        "attributes": np.array([[1, 0], [-1, -1], [0, 1]], np.int8),
    }
    table = Table(("a1", "a2", "f1"), np.arange(3, dtype=np.int32), np.full(3, -1, np.int32), values)
    write_labels(
        Labels(manifest, tasks, table, ("A", "A", ""), ("", "", ""), None), table, tasks, tmp_path / "x.parquet"
    )
    own = read_label_file(tmp_path / "x.parquet")
    assert own.subjects == {"a1": "A", "a2": "A"}
    names = count(own.table, own.tasks).names
    assert {"expression=Anger", "expression=Other", "Young=0", "Young=1", "AU1=0", "AU1=1"} <= set(names)


def test_a_label_file_without_video_or_that_is_no_parquet_is_refused(tmp_path):
    import pandas as pd

    pd.DataFrame({"image": ["a"]}).to_parquet(tmp_path / "labels.parquet")
    with pytest.raises(ProblemError, match="F04"):
        read_label_file(tmp_path / "labels.parquet")
    (tmp_path / "labels.parquet").write_text("video\n")
    with pytest.raises(ProblemError, match="F01"):
        read_label_file(tmp_path / "labels.parquet")
