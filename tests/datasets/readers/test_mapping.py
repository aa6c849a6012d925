from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from abawbench.challenges import CHALLENGES, Categorical, Continuous, MultiLabel, Task
from abawbench.datasets.manifests import read_manifest
from abawbench.datasets.manifests.model import Classes, LabelSet, Licence, Manifest, Marks, Numbers
from abawbench.datasets.readers.labels import Labels
from abawbench.datasets.readers.mapping import abaw_tasks, class_map, describe_loss, to_abaw
from abawbench.labels import ACTION_UNITS_8, ACTION_UNITS_12, EXPRESSIONS_7, EXPRESSIONS_8
from abawbench.table import NO_FRAME, Table, Values

FOLDER = Path(__file__).parents[3] / "data_manifests"
LABEL_SETS = [
    pytest.param(path, place, id=f"{path.stem}-{label_set.id}")
    for path in sorted(FOLDER.glob("*_*.toml"))
    for place, label_set in enumerate(read_manifest(path).labels)
]
ROWS = 60


def random_values(task: Task, random: np.random.Generator) -> Values:
    """Every class and mark often, and some that are not annotated."""
    match task:
        case Continuous():
            values = random.uniform(task.low, task.high, (ROWS, len(task.columns)))
            values[random.random(ROWS) < 0.2] = np.nan
            return values
        case Categorical():
            return np.concatenate([np.arange(-1, len(task.classes)), random.integers(-1, len(task.classes), ROWS)])[
                :ROWS
            ].astype(np.int8)
        case MultiLabel():
            return random.integers(-1, 2, (ROWS, len(task.columns))).astype(np.int8)


def labels_of(manifest: Manifest, tasks: Sequence[Task], values: dict[str, Values]) -> Labels:
    rows = len(next(iter(values.values())))
    units = tuple(f"unit{row}" for row in range(rows))
    table = Table(units, np.arange(rows, dtype=np.int32), np.full(rows, NO_FRAME, np.int32), values)
    return Labels(manifest, tuple(tasks), table, ("",) * rows, ("",) * rows, None)


def random_labels(path: Path, place: int) -> Labels:
    manifest = read_manifest(path)
    tasks = tuple(facts.task for facts in manifest.labels[place].tasks)
    random = np.random.default_rng(place)
    return labels_of(manifest, tasks, {task.name: random_values(task, random) for task in tasks})


def mapped_task(labels: Labels) -> Categorical | None:
    found = next((task for task in labels.tasks if class_map(labels.manifest, task) is not None), None)
    return found if isinstance(found, Categorical) else None


@pytest.mark.parametrize(("path", "place"), LABEL_SETS)
def test_an_expression_depends_on_the_name_of_the_own_class_alone(path, place):
    labels = random_labels(path, place)
    task = mapped_task(labels)
    if task is None:
        assert "expression" not in to_abaw(labels)[0].values
        return
    order = np.random.default_rng(1).permutation(len(task.classes))
    shuffled = Categorical(task.name, tuple(task.classes[place] for place in order), None)
    own = labels.table.classes(task.name)
    moved = np.append(np.argsort(order), -1).astype(np.int8)[own]
    other = labels_of(labels.manifest, [shuffled], {task.name: moved})
    one, two = to_abaw(labels)[0], to_abaw(other)[0]
    assert np.array_equal(one.classes("expression"), two.classes("expression"))
    for number in range(len(task.classes)):
        assert len(set(one.classes("expression")[own == number].tolist())) == 1
    assert set(one.classes("expression")[own == -1].tolist()) == {-1}


STEMS = {
    "neu": "Neutral",
    "ang": "Anger",
    "dis": "Disgust",
    "fea": "Fear",
    "hap": "Happiness",
    "smi": "Happiness",
    "sad": "Sadness",
    "sur": "Surprise",
}


@pytest.mark.parametrize("contempt", ["drop", "other"])
@pytest.mark.parametrize(("path", "place"), LABEL_SETS)
def test_the_basic_names_keep_their_meaning_and_contempt_is_never_disgust_or_anger(path, place, contempt):
    labels = random_labels(path, place)
    task = mapped_task(labels)
    if task is None:
        return
    own = labels.table.classes(task.name)
    values = to_abaw(labels, contempt=contempt)[0].classes("expression")
    for number, name in enumerate(task.classes):
        (became,) = set(values[own == number].tolist())
        if name.lower().startswith("contempt"):
            assert became == (-1 if contempt == "drop" else EXPRESSIONS_8.index("Other"))
        elif name.lower()[:3] in STEMS:
            assert EXPRESSIONS_8[became] == STEMS[name.lower()[:3]]
        else:
            assert became in (-1, EXPRESSIONS_8.index("Other")), name


@pytest.mark.parametrize(("path", "place"), LABEL_SETS)
def test_rows_that_lose_their_class_are_counted(path, place):
    labels = random_labels(path, place)
    task = mapped_task(labels)
    table, loss = to_abaw(labels)
    assert loss.rows == len(table) == len(labels.table)
    if task is None:
        assert loss.expression is None
        return
    assert loss.expression is not None
    own, values = labels.table.classes(task.name), table.classes("expression")
    assert sum(loss.expression.masked.values()) == int(((own >= 0) & (values < 0)).sum())
    assert set(loss.expression.absent) == set(EXPRESSIONS_8) - {
        EXPRESSIONS_8[value] for value in set(values[values >= 0])
    }


@pytest.mark.parametrize(("path", "place"), LABEL_SETS)
def test_a_unit_without_a_column_is_masked_and_one_with_a_column_is_that_column(path, place):
    labels = random_labels(path, place)
    tasks = [
        task for task in labels.tasks if isinstance(task, MultiLabel) and any(name[:2] == "AU" for name in task.columns)
    ]
    table, loss = to_abaw(labels)
    if not tasks:
        assert "action_units" not in table.values
        return
    (task,) = tasks
    values, own = table.classes("action_units"), labels.table.classes(task.name)
    for column, name in enumerate(ACTION_UNITS_12):
        expected = own[:, task.columns.index(name)] if name in task.columns else np.full(ROWS, -1)
        assert np.array_equal(values[:, column], expected), name
    assert loss.action_units is not None
    assert set(loss.action_units.absent) == set(ACTION_UNITS_12) - set(task.columns)
    assert set(loss.action_units.left) == set(task.columns) - set(ACTION_UNITS_12)
    assert task.name in loss.action_units.positive_from


@pytest.mark.parametrize(("path", "place"), LABEL_SETS)
def test_valence_and_arousal_keep_their_order_and_fill_minus_one_to_one(path, place):
    labels = random_labels(path, place)
    table, loss = to_abaw(labels)
    pairs = [task for task in labels.tasks if {"valence", "arousal"} <= set(getattr(task, "columns", ()))]
    if not pairs:
        assert "va" not in table.values
        return
    (task,) = pairs
    assert isinstance(task, Continuous)
    own = labels.table.numbers(task.name)[:, [task.columns.index("valence"), task.columns.index("arousal")]]
    values = table.numbers("va")
    assert np.array_equal(np.isnan(values), np.isnan(own))
    assert np.nanmin(values) >= -1
    assert np.nanmax(values) <= 1
    assert values == pytest.approx(-1 + (own - task.low) * 2 / (task.high - task.low), abs=1e-12, nan_ok=True)
    assert loss.va is not None


@pytest.mark.parametrize(("path", "place"), LABEL_SETS)
def test_a_loss_is_plain_data_and_its_text_names_everything(path, place):
    labels = random_labels(path, place)
    table, loss = to_abaw(labels, contempt="other")
    assert json.loads(json.dumps(loss.to_json()))["dataset"] == labels.manifest.id
    text = describe_loss(loss)
    parts = [*loss.left]
    if loss.expression is not None:
        parts += [*loss.expression.masked, *loss.expression.substituted, *loss.expression.absent]
    if loss.action_units is not None:
        parts += [*loss.action_units.absent, *loss.action_units.left, *loss.action_units.positive_from]
    assert [part for part in parts if part not in text] == []
    assert {task.name for task in abaw_tasks(table)} == set(table.values)


# datasets.md 0.1, worked by hand: number in the file, then index among the eight expressions (c where contempt decides)
ORDERS = {
    ("affectnet_full", 0): "0:0 1:4 2:5 3:6 4:3 5:2 6:1 7:c 8:-1 9:-1 10:-1",
    ("affectnet_8-class", 0): "0:0 1:4 2:5 3:6 4:3 5:2 6:1 7:c",
    ("raf-db_1", 0): "1:6 2:3 3:2 4:4 5:5 6:1 7:0",
    ("fer2013_1", 0): "0:1 1:2 2:3 3:4 4:5 5:6 6:0",
    ("ferplus_1", 0): "0:0 1:4 2:6 3:5 4:1 5:2 6:3 7:c 8:-1 9:-1",
    ("ck-plus_1", 1): "0:0 1:1 2:c 3:2 4:3 5:4 6:5 7:6",
    ("ck-plus_1", 0): "1:1 2:c 3:2 4:3 5:4 6:5 7:6",
    ("oulu-casia_1", 0): "0:1 1:2 2:3 3:4 4:5 5:6",
    ("mmi_1", 0): "1:1 2:2 3:3 4:4 5:5 6:6",
    ("abaw-lsd_4", 0): "0:1 1:2 2:3 3:4 4:5 5:6",
}


@pytest.mark.parametrize("contempt", ["drop", "other"])
@pytest.mark.parametrize(("name", "place"), ORDERS)
def test_the_published_class_orders_become_the_published_expressions(name, place, contempt):
    manifest = read_manifest(FOLDER / f"{name}.toml")
    facts = next(
        facts
        for facts in manifest.labels[place].tasks
        if isinstance(facts, Classes) and class_map(manifest, facts.task) is not None
    )
    codes = facts.codes or tuple(range(len(facts.classes)))
    if isinstance(codes[0], str):
        codes = tuple(range(len(codes)))
    pairs = dict(entry.split(":") for entry in ORDERS[name, place].split())
    assert [str(code) for code in codes] == list(pairs)
    own = np.arange(len(codes), dtype=np.int8)
    table, _ = to_abaw(labels_of(manifest, [facts.task], {facts.name: own}), contempt=contempt)
    c = -1 if contempt == "drop" else 7
    assert table.classes("expression").tolist() == [c if value == "c" else int(value) for value in pairs.values()]


def small(*tasks: Classes | Marks | Numbers) -> Manifest:
    label_set = LabelSet(id="labels", reader="table", files=("labels.csv",), tasks=tasks)
    licence = Licence(terms="none", access="none")
    return Manifest(
        name="small", version="1", title="Small", summary="", status="unverified", licence=licence,
        labels=(label_set,), group="image", metric="none",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("classes", "became"),
    [
        # the orders of EmotiEffLib, with and without contempt
        ("Anger Contempt Disgust Fear Happiness Neutral Sadness Surprise", [1, -1, 2, 3, 4, 0, 5, 6]),
        ("Anger Disgust Fear Happiness Neutral Sadness Surprise", [1, 2, 3, 4, 0, 5, 6]),
    ],
)
def test_alphabetical_names_are_mapped_by_name_not_by_place(classes, became):
    names = tuple(classes.split())
    facts = Classes(
        kind="classes", name="emotion", classes=names, abaw=tuple("contempt" if n == "Contempt" else n for n in names)
    )
    own = np.arange(len(names), dtype=np.int8)
    table, _ = to_abaw(labels_of(small(facts), [facts.task], {"emotion": own}))
    assert table.classes("expression").tolist() == became


def test_with_seven_expressions_other_is_masked_and_counted():
    facts = Classes(kind="classes", name="expression", classes=EXPRESSIONS_8, abaw=EXPRESSIONS_8)
    own = np.array([7, 0, 7, 6, -1], np.int8)
    labels = labels_of(small(facts), [facts.task], {"expression": own})
    table, loss = to_abaw(labels, expressions=EXPRESSIONS_7)
    assert table.classes("expression").tolist() == [-1, 0, -1, 6, -1]
    assert loss.expression is not None
    assert loss.expression.masked == {"Other": 2}
    assert loss.unlabelled == 3


def test_compound_classes_become_those_of_the_compound_track():
    manifest = read_manifest(FOLDER / "raf-ce_1.toml")
    facts = next(
        facts
        for label_set in manifest.labels
        for facts in label_set.tasks
        if isinstance(facts, Classes) and facts.compound is not None
    )
    # datasets.md 1.5: RAF-CE {7:0, 0:1, 4:2, 11:3, 9:4, 2:5, 3:6}
    became = {7: 0, 0: 1, 4: 2, 11: 3, 9: 4, 2: 5, 3: 6}
    own = np.array([*range(14), -1], np.int8)
    table, loss = to_abaw(labels_of(manifest, [facts.task], {facts.name: own}))
    assert table.classes("compound").tolist() == [*(became.get(number, -1) for number in range(14)), -1]
    assert [task.name for task in abaw_tasks(table)] == ["compound"]
    assert loss.compound is not None
    assert loss.compound.masked == {facts.classes[number]: 1 for number in range(14) if number not in became}


def test_one_sided_units_are_present_where_one_side_is_and_absent_where_both_are():
    facts = Marks(kind="marks", name="units", columns=("AU12L", "AU12R", "AU4", "AUL2"))
    own = np.array([[1, 0, 0, 1], [0, 0, 1, 0], [-1, 1, -1, -1], [-1, 0, 0, 0]], np.int8)
    table, loss = to_abaw(labels_of(small(facts), [facts.task], {"units": own}), action_units=("AU2", "AU4", "AU12"))
    assert table.classes("action_units").tolist() == [[1, 0, 1], [0, 1, 0], [-1, -1, 1], [0, 0, -1]]
    assert loss.action_units is not None
    assert loss.action_units.merged == {"AU2": ("AUL2",), "AU12": ("AU12L", "AU12R")}


def test_units_of_two_tasks_are_joined_and_the_first_one_counts():
    first = Marks(kind="marks", name="upper", columns=("AU1", "AU2"))
    second = Marks(kind="marks", name="lower", columns=("AU2", "AU25"), positive_from=2)
    values = {"upper": np.array([[1, 0]], np.int8), "lower": np.array([[1, 1]], np.int8)}
    labels = labels_of(small(first, second), [first.task, second.task], values)
    table, loss = to_abaw(labels, action_units=ACTION_UNITS_8)
    assert table.classes("action_units").tolist() == [[1, 0, -1, -1, -1, -1, -1, 1]]
    assert loss.action_units is not None
    assert loss.action_units.positive_from == {"upper": 1, "lower": 2}


def test_ratings_from_one_to_nine_are_stretched_and_dominance_is_left_out():
    facts = Numbers(kind="numbers", name="sam", columns=("arousal", "dominance", "valence"), low=1, high=9)
    own = np.array([[1.0, 5, 9], [5, 1, 3], [np.nan, 1, 5]])
    table, loss = to_abaw(labels_of(small(facts), [facts.task], {"sam": own}))
    assert np.array_equal(table.numbers("va"), [[1, -1], [-0.5, 0], [0, np.nan]], equal_nan=True)
    assert loss.left == ("dominance",)
    assert "from 1 to 9" in describe_loss(loss)


def test_the_tasks_are_those_of_the_challenges():
    facts = (
        Numbers(kind="numbers", name="va", columns=("valence", "arousal"), low=-1, high=1),
        Classes(kind="classes", name="expression", classes=EXPRESSIONS_8, abaw=EXPRESSIONS_8),
        Marks(kind="marks", name="action_units", columns=ACTION_UNITS_12),
    )
    values = {"va": np.zeros((1, 2)), "expression": np.zeros(1, np.int8), "action_units": np.zeros((1, 12), np.int8)}
    table, loss = to_abaw(labels_of(small(*facts), [part.task for part in facts], values))
    assert abaw_tasks(table) == CHALLENGES["abaw4-mtl"].tasks
    assert describe_loss(loss) == "action_units: present from 1 on"
