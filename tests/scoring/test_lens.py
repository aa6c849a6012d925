"""The convention lens: one independent restatement for every convention in the project's table of them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from abawbench.challenges import CHALLENGES, get
from abawbench.scoring import pair, score
from abawbench.scoring.intervals import Resampling
from abawbench.scoring.lens import lens
from abawbench.synthetic import simulate_predictions, simulate_split
from abawbench.table import Table
from tests.scoring.tables import classes, units, videos

MTL = get("abaw4-mtl")
CORPUS = simulate_split(6, 40, seed=8)
GUESS = simulate_predictions(CORPUS.known, 0.5, 1)


def partly_annotated():
    """The corpus with a few rows that lack valence alone, arousal alone, or one action unit."""
    truth = CORPUS.truth
    affect, units = truth.numbers("va").copy(order="F"), truth.classes("action_units").copy(order="F")
    rows = np.flatnonzero(~np.isnan(affect[:, 0]))
    affect[rows[5], 0] = affect[rows[9], 1] = affect[rows[30], 1] = np.nan
    rows = np.flatnonzero(units[:, 0] >= 0)
    units[rows[7], 3] = units[rows[11], 0] = -1
    values = {**truth.values, "va": affect, "action_units": units}
    return Table(truth.videos, truth.video, truth.frame, values)


TRUTH = partly_annotated()
VA, UNITS, EXPRESSION = TRUTH.numbers("va"), TRUTH.classes("action_units"), TRUTH.classes("expression")
GUESSED_VA, GUESSED_UNITS = GUESS.numbers("va"), GUESS.classes("action_units")
WHOLE_VA = ~np.isnan(VA).any(1)


@pytest.fixture
def found():
    """The value of every reading of the multi-task challenge, by task, point and variant."""
    return {(r["task"], r["point"], r["variant"]): r["value"] for r in lens(MTL, pair(MTL, TRUTH, GUESS))}


def ccc(truth, guess, *, of_covariance=0, of_variance=0):
    covariance = np.sum((truth - truth.mean()) * (guess - guess.mean())) / (len(truth) - of_covariance)
    variances = truth.var(ddof=of_variance) + guess.var(ddof=of_variance)
    return 2 * covariance / (variances + (truth.mean() - guess.mean()) ** 2)


def mean_ccc(truth, guess, keep, **ddof):
    keep = np.broadcast_to(keep[:, None], truth.shape) if keep.ndim == 1 else keep
    return np.mean([ccc(truth[keep[:, c], c], guess[keep[:, c], c], **ddof) for c in (0, 1)])


ABSENT = ["F1 0, counted", "F1 1, counted", "left out"]
UNITS_IN_USE = {
    "annotation mask": [
        "row left out when any is -1",
        "each action unit on its own",
        "row left out only when all are -1, the rest as 0",
        "every -1 as 0",
    ],
    "action unit without any positive": ABSENT,
    "total": ["mean F1", "0.5 mean F1 + 0.5 accuracy of cells"],
    "accuracy": ["right cells", "rows with every action unit right"],
}
IN_USE = {
    "abaw4-mtl": {
        "va": {
            "divisor of the moments": [
                "n in all",
                "n - 1 in all",
                "covariance n, variances n - 1",
                "covariance n - 1, variances n",
            ],
            "aggregation": ["all frames pooled", "mean over videos", "mean over batches of 64 rows"],
            "constant series": ["0", "undefined", "0, but 1 for equal constants"],
            "number added to a denominator": [
                "none",
                "1e-08 to that of the correlation",
                "1e-08 to that of the concordance",
            ],
            "total": ["mean of valence and arousal", "sum of valence and arousal"],
            "annotation mask": [
                "row left out when either is -5",
                "row left out when valence is -5",
                "each dimension on its own",
                "row left out only when both are -5",
            ],
        },
        "expression": {
            "class in neither truth nor prediction": ABSENT,
            "total": ["macro F1", "0.67 macro F1 + 0.33 accuracy"],
        },
        "action_units": UNITS_IN_USE,
    },
    "abaw2-au": {"action_units": UNITS_IN_USE},
    "abaw8-emi": {"mimicry": {"constant series": ["0", "undefined"], "coefficient": ["Pearson", "concordance"]}},
    "abaw8-ah": {
        "ambivalence": {
            "class in neither truth nor prediction": ABSENT,
            "total": [
                "macro F1",
                "0.67 macro F1 + 0.33 accuracy",
                "F1 weighted by the truth's classes",
                "F1 of class 'present'",
            ],
            "average precision (reported beside, does not rank)": [
                "threshold grid of 0.001, trapezoids",
                "steps at every score",
            ],
        }
    },
}
# the official reading of a point is its first, but for these
NOT_THE_FIRST = {
    ("abaw4-mtl", "accuracy"): [],
    ("abaw2-au", "total"): ["0.5 mean F1 + 0.5 accuracy of cells"],
    ("abaw8-ah", "total"): [],
    ("abaw8-ah", "average precision (reported beside, does not rank)"): [],
}
TRUTHS = {
    "abaw4-mtl": TRUTH,
    "abaw2-au": units([1, 0]),
    "abaw8-emi": videos("mimicry", np.eye(6)),
    "abaw8-ah": videos("ambivalence", np.array([0, 1], np.int8), np.array([0.2, 0.7])),
}


@pytest.mark.parametrize("challenge", IN_USE)
def test_the_conventions_in_use_and_the_official_one_of_each_point(challenge):
    rules, truth = get(challenge), TRUTHS[challenge]
    rows = lens(rules, pair(rules, truth, GUESS if challenge == "abaw4-mtl" else truth))
    expected = [
        {"task": task, "point": point, "variant": variant, "official": variant in official}
        for task, points in IN_USE[challenge].items()
        for point, variants in points.items()
        for official in [NOT_THE_FIRST.get((challenge, point), variants[:1])]
        for variant in variants
    ]
    assert [{name: value for name, value in row.items() if name != "value"} for row in rows] == expected


def test_every_official_reading_of_a_task_has_the_official_value(found):
    terms = score(MTL, TRUTH, GUESS, resampling=Resampling(100)).terms
    for task, points in IN_USE["abaw4-mtl"].items():
        for point, variants in points.items():
            if point != "accuracy":
                assert found[task, point, variants[0]] == pytest.approx(terms[task], abs=1e-12)


def test_a_task_without_annotation_has_no_reading_but_of_minus_one_as_zero():
    values = {
        "va": np.full_like(VA, np.nan),
        "expression": EXPRESSION,
        "action_units": np.full_like(UNITS, -1),
    }
    bare = Table(TRUTH.videos, TRUTH.video, TRUTH.frame, values)
    rows = lens(MTL, pair(MTL, bare, GUESS))
    defined = [(row["task"], row["variant"], row["value"]) for row in rows if row["value"] is not None]
    assert [row[1:] for row in defined if row[0] == "action_units"] == [("every -1 as 0", 0)]
    assert not [row for row in defined if row[0] == "va"]


def test_divisors_of_two_rows_worked_by_hand():
    # n: variances 1/4 and 1/16, covariance 1/8; n - 1: twice as much; the means differ by 1/4
    found = readings("abaw6-va", videos("va", [[0, 0], [1, 1.0]]), videos("va", [[0, 0], [0.5, 0.5]]))
    point = "divisor of the moments"
    assert found[point, "n in all"] == pytest.approx((2 / 8) / (5 / 16 + 1 / 16))
    assert found[point, "n - 1 in all"] == pytest.approx((2 / 4) / (10 / 16 + 1 / 16))
    assert found[point, "covariance n, variances n - 1"] == pytest.approx((2 / 8) / (10 / 16 + 1 / 16))
    assert found[point, "covariance n - 1, variances n"] == pytest.approx((2 / 4) / (5 / 16 + 1 / 16))


def test_a_last_batch_of_one_row_is_constant_and_counts_as_zero():
    series = np.linspace(-1, 1, 65)[:, None].repeat(2, 1)
    found = readings("abaw6-va", videos("va", series), videos("va", series))
    assert found["aggregation", "mean over batches of 64 rows"] == pytest.approx(1 / 2)
    # a video of one row is constant too
    assert found["aggregation", "mean over videos"] == 0


def test_a_row_of_whole_units_and_the_cells_of_all(found):
    keep = (UNITS >= 0).all(1)
    right = UNITS[keep] == GUESSED_UNITS[keep]
    assert found["action_units", "accuracy", "right cells"] == pytest.approx(right.mean(), abs=1e-12)
    assert found["action_units", "accuracy", "rows with every action unit right"] == pytest.approx(right.all(1).mean())


def test_rows_without_a_prediction_count_under_no_mask():
    nobody = [-1] * 12
    truth = videos("action_units", np.array([[1] * 12, [0] * 12, nobody], np.int8))
    guess = videos("action_units", np.array([[1] * 12, [0] * 12, [1] * 12], np.int8))
    for prediction, value in ((guess, 2 / 3), (guess.take(np.arange(2)), 1)):
        found = readings("abaw6-au", truth, prediction)
        assert found["annotation mask", "every -1 as 0"] == pytest.approx(value)
        assert found["annotation mask", "row left out when any is -1"] == 1
        assert found["accuracy", "rows with every action unit right"] == 1
    truth = videos("va", [[0.0, 0.0], [1.0, 1.0], [np.nan, np.nan]])
    guess = videos("va", [[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]])
    for prediction in (guess, guess.take(np.arange(2))):
        assert readings("abaw6-va", truth, prediction)["annotation mask", "each dimension on its own"] == 1


def test_correlation_and_concordance_of_a_scaled_series():
    truth = np.random.default_rng(1).random((20, 6))
    found = readings("abaw8-emi", videos("mimicry", truth), videos("mimicry", truth / 2))
    assert found["coefficient", "Pearson"] == pytest.approx(1)
    expected = np.mean([ccc(truth[:, column], truth[:, column] / 2) for column in range(6)])
    assert found["coefficient", "concordance"] == pytest.approx(expected, abs=1e-12)
    assert found["constant series", "0"] == found["constant series", "undefined"] == found["coefficient", "Pearson"]
    still = truth / 2
    still[:, 0] = 0.5
    found = readings("abaw8-emi", videos("mimicry", truth), videos("mimicry", still))
    assert found["constant series", "0"] == pytest.approx(5 / 6)
    assert found["constant series", "undefined"] is None


@pytest.mark.parametrize(
    ("variant", "ddof"),
    [
        ("n in all", {}),
        ("n - 1 in all", {"of_covariance": 1, "of_variance": 1}),
        ("covariance n, variances n - 1", {"of_variance": 1}),
        ("covariance n - 1, variances n", {"of_covariance": 1}),
    ],
)
def test_divisors(found, variant, ddof):
    expected = mean_ccc(VA, GUESSED_VA, WHOLE_VA, **ddof)
    assert found["va", "divisor of the moments", variant] == pytest.approx(expected, abs=1e-12)


def test_mean_over_videos(found):
    per_video = [
        mean_ccc(VA, GUESSED_VA, WHOLE_VA & (TRUTH.video == number))
        for number in range(len(TRUTH.videos))
        if (WHOLE_VA & (TRUTH.video == number)).sum()
    ]
    assert found["va", "aggregation", "mean over videos"] == pytest.approx(np.mean(per_video), abs=1e-10)


def test_mean_over_batches(found):
    rows = np.flatnonzero(WHOLE_VA)
    batches = [rows[begin : begin + 64] for begin in range(0, len(rows), 64)]
    expected = np.mean([mean_ccc(VA[batch], GUESSED_VA[batch], np.ones(len(batch), bool)) for batch in batches])
    assert found["va", "aggregation", "mean over batches of 64 rows"] == pytest.approx(expected, abs=1e-10)


def test_sum_of_valence_and_arousal(found):
    expected = 2 * mean_ccc(VA, GUESSED_VA, WHOLE_VA)
    assert found["va", "total", "sum of valence and arousal"] == pytest.approx(expected, abs=1e-12)


def test_annotation_masks_of_valence_and_arousal(found):
    written = np.where(np.isnan(VA), -5.0, VA)
    masks = {
        "row left out when either is -5": WHOLE_VA,
        "row left out when valence is -5": ~np.isnan(VA[:, 0]),
        "each dimension on its own": ~np.isnan(VA),
        "row left out only when both are -5": ~np.isnan(VA).all(1),
    }
    for variant, mask in masks.items():
        expected = mean_ccc(written, GUESSED_VA, mask)
        assert found["va", "annotation mask", variant] == pytest.approx(expected, abs=1e-12)
    assert len({found["va", "annotation mask", variant] for variant in masks}) == 4


def unit_f1(truth, guess, keep):
    keep = np.broadcast_to(keep[:, None], truth.shape) if keep.ndim == 1 else keep
    return np.mean([f1_score(truth[keep[:, u], u], guess[keep[:, u], u], zero_division=0) for u in range(12)])


def test_annotation_masks_of_action_units(found):
    zeroed = np.maximum(UNITS, 0)
    masks = {
        "row left out when any is -1": (UNITS >= 0).all(1),
        "each action unit on its own": UNITS >= 0,
        "row left out only when all are -1, the rest as 0": (UNITS >= 0).any(1),
        "every -1 as 0": np.ones(len(UNITS), bool),
    }
    for variant, mask in masks.items():
        expected = unit_f1(zeroed, GUESSED_UNITS, mask)
        assert found["action_units", "annotation mask", variant] == pytest.approx(expected, abs=1e-12)


def test_totals_of_the_first_editions(found):
    keep = EXPRESSION >= 0
    f1 = f1_score(
        EXPRESSION[keep], GUESS.classes("expression")[keep], labels=range(8), average="macro", zero_division=0
    )
    right = np.mean(EXPRESSION[keep] == GUESS.classes("expression")[keep])
    value = found["expression", "total", "0.67 macro F1 + 0.33 accuracy"]
    assert value == pytest.approx(0.67 * f1 + 0.33 * right, abs=1e-12)
    keep = (UNITS >= 0).all(1)
    cells = np.mean(UNITS[keep] == GUESSED_UNITS[keep])
    value = found["action_units", "total", "0.5 mean F1 + 0.5 accuracy of cells"]
    assert value == pytest.approx(0.5 * unit_f1(UNITS, GUESSED_UNITS, keep) + 0.5 * cells, abs=1e-12)


def readings(challenge, truth, guess):
    rules = get(challenge)
    return {(r["point"], r["variant"]): r["value"] for r in lens(rules, pair(rules, truth, guess))}


def test_an_absent_class_as_zero_as_one_and_left_out():
    found = readings("abaw6-expr", classes([0, 0, 1, 1]), classes([0, 1, 1, 1]))
    both = 2 / 3 + 4 / 5
    point = "class in neither truth nor prediction"
    assert found[point, "F1 0, counted"] == pytest.approx(both / 8)
    assert found[point, "F1 1, counted"] == pytest.approx((both + 6) / 8)
    assert found[point, "left out"] == pytest.approx(both / 2)


def test_a_class_of_the_truth_or_the_prediction_alone_is_not_absent():
    found = readings("abaw6-expr", classes([0, 0, 2]), classes([0, 0, 3]))
    point = "class in neither truth nor prediction"
    assert found[point, "F1 0, counted"] == pytest.approx(1 / 8)
    assert found[point, "F1 1, counted"] == pytest.approx((1 + 5) / 8)
    assert found[point, "left out"] == pytest.approx(1 / 3)


def test_an_action_unit_without_positives_as_zero_as_one_and_left_out():
    # F1 of the first unit 2/3, of the second 0 as truth and prediction never meet, of the third 1
    truth, guess = units([1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]), units([1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0])
    found = readings("abaw6-au", truth, guess)
    point = "action unit without any positive"
    assert found[point, "F1 0, counted"] == pytest.approx((2 / 3 + 1) / 12)
    assert found[point, "F1 1, counted"] == pytest.approx((2 / 3 + 1 + 9) / 12)
    assert found[point, "left out"] == pytest.approx((2 / 3 + 1) / 3)


def test_a_constant_series_as_zero_and_as_undefined():
    found = readings("abaw6-va", videos("va", [[0.1, 0.2], [0.3, 0.4]]), videos("va", [[0.5, 0.2], [0.5, 0.4]]))
    assert found["constant series", "0"] == pytest.approx(0.5)
    assert found["constant series", "undefined"] is None


def test_equal_constants_count_one_where_other_constants_count_zero():
    # valence: the same constant; arousal: another one
    found = readings("abaw6-va", videos("va", [[0.3, 0.2], [0.3, 0.2]]), videos("va", [[0.3, 0.4], [0.3, 0.4]]))
    assert found["constant series", "0"] == 0
    assert found["constant series", "0, but 1 for equal constants"] == pytest.approx(1 / 2)
    # a constant prediction of a series that moves is no equal constant
    found = readings("abaw6-va", videos("va", [[0.1, 0.1], [0.3, 0.3]]), videos("va", [[0.2, 0.2], [0.2, 0.2]]))
    assert found["constant series", "0, but 1 for equal constants"] == 0


def test_a_number_added_to_a_denominator_worked_by_hand():
    # two rows 2e-4 apart: variances and covariance 1e-8, so the deviations' product over two rows is 2e-8
    series = [[0, 0], [2e-4, 2e-4]]
    found = readings("abaw6-va", videos("va", series), videos("va", series))
    point = "number added to a denominator"
    assert found[point, "none"] == 1
    assert found[point, "1e-08 to that of the correlation"] == pytest.approx(2 / 3)
    assert found[point, "1e-08 to that of the concordance"] == pytest.approx(2 / 3)
    # means 1e-4 apart add 1e-8 to the denominator of the concordance alone
    found = readings("abaw6-va", videos("va", series), videos("va", np.add(series, 1e-4)))
    assert found[point, "none"] == pytest.approx(2 / 3)
    assert found[point, "1e-08 to that of the correlation"] == pytest.approx(2 / 3 * 2 / 3)
    assert found[point, "1e-08 to that of the concordance"] == pytest.approx(2 / 4)


def test_a_number_added_to_a_denominator_decides_on_constant_series():
    point, still = "number added to a denominator", [[0.3, 0.3], [0.3, 0.3]]
    found = readings("abaw6-va", videos("va", still), videos("va", still))
    # the denominator of the concordance is 0 beside that of the correlation
    assert found[point, "1e-08 to that of the correlation"] is None
    assert found[point, "1e-08 to that of the concordance"] == 0
    found = readings("abaw6-va", videos("va", [[0.1, 0.1], [0.2, 0.2]]), videos("va", still))
    assert found[point, "1e-08 to that of the correlation"] == found[point, "1e-08 to that of the concordance"] == 0


def test_a_number_added_to_the_denominator_of_the_correlation_as_the_general_chairs_code_has_it(found):
    def restated(truth, guess):
        x, y = truth - truth.mean(), guess - guess.mean()
        rho = (x * y).sum() / (np.sqrt((x**2).sum()) * np.sqrt((y**2).sum()) + 1e-8)
        return 2 * rho * truth.std() * guess.std() / (truth.var() + guess.var() + (truth.mean() - guess.mean()) ** 2)

    expected = np.mean([restated(VA[WHOLE_VA, c], GUESSED_VA[WHOLE_VA, c]) for c in (0, 1)])
    value = found["va", "number added to a denominator", "1e-08 to that of the correlation"]
    assert value == pytest.approx(expected, abs=1e-12)


def test_the_ambivalence_readings():
    label = np.array([0, 0, 1, 1, 1, 0], np.int8)
    chosen = np.array([0, 1, 1, 0, 1, 0], np.int8)
    probability = np.array([0.1, 0.6, 0.9, 0.45, 0.8, 0.2])
    found = readings("abaw8-ah", videos("ambivalence", label), videos("ambivalence", chosen, probability))
    weighted = f1_score(label, chosen, average="weighted")
    assert found["total", "F1 weighted by the truth's classes"] == pytest.approx(weighted, abs=1e-12)
    assert found["total", "F1 of class 'present'"] == pytest.approx(f1_score(label, chosen), abs=1e-12)
    point = "average precision (reported beside, does not rank)"
    assert found[point, "steps at every score"] == pytest.approx(average_precision_score(label, probability))
    assert found[point, "threshold grid of 0.001, trapezoids"] < found[point, "steps at every score"]


def test_no_reading_of_an_unsettled_metric_is_called_official():
    truth = videos("ambivalence", np.array([0, 1], np.int8))
    rules = get("abaw8-ah")
    rows = lens(rules, pair(rules, truth, truth))
    assert not any(row["official"] for row in rows if row["point"] == "total")


@pytest.mark.parametrize("challenge", [name for name in CHALLENGES if name.endswith(("-mtl", "-va", "-expr", "-au"))])
def test_every_point_has_exactly_one_official_reading_with_the_official_value(challenge):
    rules = get(challenge)
    corpus = simulate_split(5, 30, seed=2)
    guess = simulate_predictions(corpus.known, 0.5, 0)
    width = {"action_units": len(rules.tasks[0].columns) if challenge.endswith("-au") else 12}

    def fit(table):
        values = {}
        for task in rules.tasks:
            array = table.values[task.name]
            if task.name == "action_units":
                array = array[:, : width["action_units"]]
            if task.name == "expression":
                array = np.minimum(array, len(task.classes) - 1)
            values[task.name] = array
        return Table(table.videos, table.video, table.frame, values)

    truth, prediction = fit(corpus.truth), fit(guess)
    rows = lens(rules, pair(rules, truth, prediction))
    result = score(rules, truth, prediction, resampling=Resampling(100))
    for task in rules.tasks:
        points = {row["point"] for row in rows if row["task"] == task.name and row["point"] != "accuracy"}
        for point in points:
            official = [row for row in rows if (row["task"], row["point"]) == (task.name, point) and row["official"]]
            assert len(official) == 1, (task.name, point)
            if point == "total":
                assert official[0]["value"] == pytest.approx(result.terms[task.name], abs=1e-12)
