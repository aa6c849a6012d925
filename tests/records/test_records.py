from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench import records
from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, Categorical, Continuous, get
from abawbench.scoring import Score, score
from abawbench.scoring.criteria import evaluate
from abawbench.scoring.intervals import Resampling, intervals
from abawbench.table import Table

COMMITTED = Path(__file__).parents[2] / "leaderboard" / "records"
DISCLOSURE = records.Disclosure(
    trained_on=["some data"],
    validation_used_for="nothing",
    thresholds_from="none",
    trials=1,
    crops="none",
    licence="Apache-2.0",
    synthetic_truth=True,
    note="",
)


def table(challenge_id: str, seed: int, videos: int = 4, frames: int = 20) -> Table:
    """Random rows; every fifth is not annotated for any task where the seed is 0."""
    generator = np.random.default_rng(seed)
    rows = videos * frames
    values = {}
    for task in get(challenge_id).tasks:
        if isinstance(task, Continuous):
            values[task.name] = generator.uniform(task.low, task.high, (rows, len(task.columns)))
        elif isinstance(task, Categorical):
            values[task.name] = generator.integers(0, len(task.classes), rows).astype(np.int8)
        else:
            values[task.name] = generator.integers(0, 2, (rows, len(task.columns))).astype(np.int8)
    if seed == 0:
        for array in values.values():
            array[::5] = np.nan if array.dtype == np.float64 else -1
    names = tuple(f"video {number}" for number in range(videos))
    video = np.repeat(np.arange(videos, dtype=np.int32), frames)
    return Table(names, video, np.tile(np.arange(1, frames + 1, dtype=np.int32), videos), values)


def scored(challenge_id: str = "abaw4-mtl", seed: int = 1, videos: int = 4) -> Score:
    truth, prediction = table(challenge_id, 0, videos), table(challenge_id, seed, videos)
    return score(get(challenge_id), truth, prediction, resampling=Resampling(100))


def made(given: Score | None = None, **fields) -> records.Record:
    fields = {
        "entry": "2026_team_method",
        "split": "validation",
        "dataset": "random numbers",
        "date": "2026-01-31",
        "truth_sha256": "0" * 64,
        "prediction_sha256": "f" * 64,
        "disclosure": DISCLOSURE,
    } | fields
    missing = fields.pop("missing", "error")
    return records.make(given or scored(), records.Provenance(**fields), missing)


def edited(record: records.Record, root: Path, change) -> Path:
    """A written record with its JSON changed by hand."""
    path = records.write(record, root)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n")
    return path


def problems_of(path: Path):
    with pytest.raises(ProblemError) as caught:
        records.read(path)
    return caught.value.problems


def found_in(root: Path) -> str:
    problems = records.check_tree(root)
    assert {problem.rule for problem in problems} == {"R01"}
    return "\n".join(problem.found for problem in problems)


@pytest.mark.parametrize("challenge_id", ["abaw4-mtl", "abaw6-va", "abaw5-eri", "abaw2-au", "abaw8-ah", "abaw7-ce"])
def test_what_is_written_is_read_again(tmp_path, challenge_id):
    record = made(scored(challenge_id))
    assert records.read(records.write(record, tmp_path)) == record


@settings(max_examples=50, deadline=None)
@given(
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=12, max_size=12),
    pilots=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4),
    note=st.text(max_size=20),
)
def test_every_number_comes_back_to_the_last_bit(tmp_path_factory, numbers, pilots, note):
    record = made(disclosure=DISCLOSURE.model_copy(update={"note": note}))
    statistics = record.statistics.model_copy(
        update={
            "tasks": {"va": [[numbers[:6], numbers[6:]]]},
            "pilots": {"va": [pilots[:2], pilots[2:]]},
        }
    )
    record = record.model_copy(update={"statistics": statistics, "score": numbers[0]})
    back = records.read(records.write(record, tmp_path_factory.mktemp("records")))
    assert repr(back) == repr(record)


def test_statistics_come_back_to_the_last_bit():
    given = scored()
    back = records.statistics_of(made(given))
    assert back.groups == given.statistics.groups
    for name, array in given.statistics.tasks.items():
        assert np.array_equal(back.tasks[name], array)
    for name, array in given.statistics.pilots.items():
        assert np.array_equal(back.pilots[name], array)


def test_a_record_is_enough_for_its_intervals():
    record = made()
    again = intervals(get(record.challenge), records.statistics_of(record), unit="video", resamples=100, seed=0)
    assert records.Intervals.model_validate_json(json.dumps(again)) == record.intervals


def recentred(record: records.Record, pilots):
    """The moments of valence and arousal about other pilots, and all other statistics as they are."""
    statistics = records.statistics_of(record)
    tasks = dict(statistics.tasks)
    count, x, y, xx, yy, xy = np.moveaxis(tasks["va"], -1, 0)
    a, b = np.moveaxis(statistics.pilots["va"] - pilots["va"], -1, 0)
    moved = [
        count,
        x + count * a,
        y + count * b,
        xx + 2 * a * x + count * a**2,
        yy + 2 * b * y + count * b**2,
        xy + a * y + b * x + count * a * b,
    ]
    return tasks | {"va": np.stack(moved, -1)}


def test_two_records_are_enough_for_a_paired_test():
    """Trading places in one video, which a paired test is made of, gives what the files would."""
    challenge, truth = get("abaw4-mtl"), table("abaw4-mtl", 0)
    first, second = table("abaw4-mtl", 1), table("abaw4-mtl", 2)
    traded = (truth.video == 2)[:, None]
    mixed = Table(
        truth.videos,
        truth.video,
        truth.frame,
        {
            name: np.where(traded if array.ndim == 2 else traded[:, 0], second.values[name], array)
            for name, array in first.values.items()
        },
    )
    wanted = score(challenge, truth, mixed, resampling=Resampling(100)).score
    one, two = (made(score(challenge, truth, table, resampling=Resampling(100))) for table in (first, second))
    pilots = records.statistics_of(one).pilots
    a, b = recentred(one, pilots), recentred(two, pilots)
    total = {name: array.sum(0) + b[name][2] - array[2] for name, array in a.items()}
    assert evaluate(challenge, total, pilots)["score",] == pytest.approx(wanted, abs=1e-12)


def test_the_same_input_makes_the_same_bytes():
    assert made(scored()).to_text() == made(scored()).to_text()


def test_the_path_is_made_of_the_content(tmp_path):
    path = records.write(made(), tmp_path)
    assert path == tmp_path / "abaw4-mtl" / "2026_team_method.validation.json"


def test_a_row_of_numbers_stands_on_one_line(tmp_path):
    text = records.write(made(scored("abaw6-va")), tmp_path).read_text()
    assert '\n "challenge": "abaw6-va",\n' in text
    assert text.endswith("\n}\n")
    assert sum(line.count(", ") == 5 for line in text.split("\n")) == 8


def test_writing_leaves_nothing_else_behind(tmp_path):
    records.write(made(), tmp_path)
    records.write(made(), tmp_path)
    assert [path.name for path in (tmp_path / "abaw4-mtl").iterdir()] == ["2026_team_method.validation.json"]


def test_a_record_that_was_just_written_has_no_problem(tmp_path):
    for challenge_id in ("abaw4-mtl", "abaw6-va", "abaw8-ah"):
        records.write(made(scored(challenge_id)), tmp_path)
    assert records.check_tree(tmp_path) == ()


def test_committed_records_hold_together():
    assert records.check_tree(COMMITTED) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("entry", "../elsewhere"),
        ("entry", "Upper"),
        ("split", "dev"),
        ("date", "31.1.2026"),
        ("truth_sha256", "0" * 63),
        ("dataset", ""),
    ],
)
def test_a_record_is_not_made_from_a_wrong_field(field, value):
    with pytest.raises(ProblemError) as caught:
        made(**{field: value})
    (problem,) = caught.value.problems
    assert problem.rule == "R01"
    assert problem.found.startswith(f"{field}: ")


def test_an_unknown_field_is_refused_by_name(tmp_path):
    (problem,) = problems_of(edited(made(), tmp_path, lambda content: content.update(bonus=1)))
    assert (problem.rule, problem.found.split(":")[0]) == ("R01", "bonus")


def test_an_unknown_field_inside_is_refused_by_name(tmp_path):
    (problem,) = problems_of(edited(made(), tmp_path, lambda content: content["disclosure"].update(bonus=1)))
    assert (problem.rule, problem.found.split(":")[0]) == ("R01", "disclosure.bonus")


def test_a_missing_field_is_refused_by_name(tmp_path):
    (problem,) = problems_of(edited(made(), tmp_path, lambda content: content.pop("disclosure")))
    assert (problem.rule, problem.found) == ("R01", "disclosure")


def test_all_wrong_fields_are_named_at_once(tmp_path):
    def change(content):
        content["entry"] = "A"
        content["rows"]["truth"] = "many"
        del content["fingerprint"]

    found = {problem.found.split(":")[0] for problem in problems_of(edited(made(), tmp_path, change))}
    assert found == {"entry", "rows.truth", "fingerprint"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"score": NaN}', "\xff"])
def test_text_that_is_no_record_is_a_problem(tmp_path, text):
    path = tmp_path / "record.json"
    path.write_bytes(text.encode("latin-1"))
    assert {problem.rule for problem in problems_of(path)} == {"R01"}


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=40), place=st.integers(0, 3000))
def test_any_bytes_are_a_record_or_a_problem(tmp_path_factory, data, place):
    text = made(scored("abaw6-va")).to_text().encode()
    path = tmp_path_factory.mktemp("records") / "record.json"
    path.write_bytes(text[:place] + data + text[place + len(data) :])
    rules: set[str] = set()
    try:
        records.read(path)
    except ProblemError as error:
        rules = {problem.rule for problem in error.problems}
    assert rules <= {"R01", "R02"}


def test_a_disclosure_is_made_of_its_fields():
    assert records.disclosure_from(DISCLOSURE.model_dump(), "file.toml") == DISCLOSURE


def test_every_wrong_field_of_a_disclosure_is_named():
    fields = DISCLOSURE.model_dump() | {"trials": 0, "luck": 1}
    del fields["licence"]
    with pytest.raises(ProblemError) as caught:
        records.disclosure_from(fields, "file.toml")
    assert {problem.found.split(":")[0] for problem in caught.value.problems} == {"trials", "luck", "licence"}
    assert {(problem.rule, problem.file) for problem in caught.value.problems} == {("R01", "file.toml")}


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    assert problems_of(tmp_path / "none.json")[0].rule == "F01"


def test_another_fingerprint_is_another_definition(tmp_path):
    (problem,) = problems_of(edited(made(), tmp_path, lambda content: content.update(fingerprint="0" * 16)))
    assert problem.rule == "R02"
    assert get("abaw4-mtl").fingerprint in problem.expected


def test_a_challenge_of_no_catalogue_is_another_definition(tmp_path):
    (problem,) = problems_of(edited(made(), tmp_path, lambda content: content.update(challenge="abaw99-va")))
    assert problem.rule == "R02"


def test_a_record_of_another_definition_and_other_fields_is_of_another_definition(tmp_path):
    def change(content):
        content.update(fingerprint="0" * 16, schema_version=1)
        del content["official"]

    (problem,) = problems_of(edited(made(), tmp_path, change))
    assert problem.rule == "R02"


def test_a_record_has_the_size_of_its_truth_and_that_of_the_official_split():
    record = made()
    assert (record.rows.units, record.rows.truth, record.rows.labelled) == (4, 80, 64)
    assert record.official.rows == [26_876]
    assert record.official.valid == {"va": [26_876], "expression": [15_440], "action_units": [26_876]}


def test_a_record_of_a_filled_score_says_how_many_rows_were_filled(tmp_path):
    truth, prediction = table("abaw4-mtl", 0), table("abaw4-mtl", 1)
    fewer = prediction.take(np.setdiff1d(np.arange(80), [7, 33]))
    given = score(get("abaw4-mtl"), truth, fewer, missing="nearest", resampling=Resampling(100))
    record = made(given, missing="nearest")
    assert (record.fill.policy, record.fill.rows) == ("nearest", {"nearest": 2})
    assert (record.rows.truth, record.rows.predicted) == (80, 78)
    records.write(record, tmp_path)
    assert records.check_tree(tmp_path) == ()


def test_a_split_that_the_challenge_does_not_have_has_no_official_size():
    record = made(scored("abaw7-ce"))
    assert (record.official.units, record.official.rows, record.official.valid) == ([], [], {})


def test_a_truth_with_repeated_and_partly_annotated_rows_makes_a_record_that_holds_together(tmp_path):
    challenge, truth, prediction = get("abaw4-mtl"), table("abaw4-mtl", 0), table("abaw4-mtl", 1)
    values = {name: array.copy() for name, array in truth.values.items()}
    values["va"][:30] = np.nan
    values["va"][31, 0] = np.nan
    values["expression"][:40] = -1
    values["action_units"][:45] = -1
    values["action_units"][51, 3] = -1
    twice = np.concatenate([np.arange(80), np.arange(60, 80)])
    truth = Table(truth.videos, truth.video, truth.frame, values).take(twice)
    record = made(score(challenge, truth, prediction.take(twice), resampling=Resampling(100)))
    records.write(record, tmp_path)
    assert records.check_tree(tmp_path) == ()
    assert (record.rows.units, record.rows.truth) == (4, 100)
    assert record.rows.labelled == 55
    assert record.rows.valid == {"va": 55, "expression": 48, "action_units": 43}


@pytest.mark.parametrize(
    ("part", "value"), [("units", 5), ("truth", 63), ("labelled", 63), ("labelled", 200), ("predicted", 81)]
)
def test_counts_of_rows_that_no_truth_can_have_are_found(tmp_path, part, value):
    record = made()
    forge(record, tmp_path, rows=record.rows.model_copy(update={part: value}))
    assert f"rows.{part} {value}" in found_in(tmp_path)


def test_official_counts_that_the_challenge_does_not_have_are_found(tmp_path):
    record = made()
    forge(record, tmp_path, official=record.official.model_copy(update={"rows": [80]}))
    assert found_in(tmp_path).startswith("official ")


def test_a_record_at_another_path_is_found(tmp_path):
    path = records.write(made(), tmp_path)
    path.rename(path.with_name("another.validation.json"))
    assert "path abaw4-mtl/another.validation.json" in found_in(tmp_path)


def test_a_record_laid_out_by_hand_is_found(tmp_path):
    path = records.write(made(), tmp_path)
    path.write_text(path.read_text() + "\n")
    assert found_in(tmp_path) == "text of another layout"


def forge(record: records.Record, root: Path, **fields) -> None:
    records.write(record.model_copy(update=fields), root)


def test_a_score_that_its_statistics_do_not_give_is_found(tmp_path):
    record = made()
    assert record.score is not None
    forge(record, tmp_path, score=record.score + 1e-9)
    assert found_in(tmp_path).startswith("score ")


def test_a_metric_that_its_statistics_do_not_give_is_found(tmp_path):
    record = made()
    forge(record, tmp_path, metrics=record.metrics | {"ccc_valence": 0.9})
    assert found_in(tmp_path) == "metrics.ccc_valence 0.9"


def test_a_metric_that_nobody_computes_is_found(tmp_path):
    record = made()
    forge(record, tmp_path, metrics=record.metrics | {"luck": None})
    assert found_in(tmp_path) == "metrics.luck None"


def test_rows_that_its_statistics_do_not_count_are_found(tmp_path):
    record = made()
    forge(record, tmp_path, rows=record.rows.model_copy(update={"valid": record.rows.valid | {"va": 1}}))
    assert found_in(tmp_path).startswith("rows.valid ")


def narrowed(interval: records.Interval) -> records.Interval:
    low, high = interval.percentile or (0.0, 0.0)
    return interval.model_copy(update={"percentile": (low, high - 1e-6)})


@pytest.mark.parametrize("challenge_id", ["abaw4-mtl", "abaw5-eri"])
def test_an_interval_that_its_statistics_do_not_give_is_found(tmp_path, challenge_id):
    record = made(scored(challenge_id))
    forge(
        record,
        tmp_path,
        intervals=record.intervals.model_copy(update={"score": narrowed(record.intervals.score)}),
    )
    assert found_in(tmp_path).startswith("intervals.score.percentile ")


def test_a_forged_bound_of_the_interval_to_quote_is_found(tmp_path):
    record = made()
    assert record.intervals.score.jackknife is not None
    low, high = record.intervals.score.jackknife
    forged = record.intervals.score.model_copy(update={"jackknife": (low, high - 1e-6)})
    forge(record, tmp_path, intervals=record.intervals.model_copy(update={"score": forged}))
    assert found_in(tmp_path).startswith("intervals.score.jackknife ")


def test_a_record_of_before_the_jackknife_is_read_checked_and_written_as_it_was(tmp_path):
    record = made()

    def as_before(tree):
        if isinstance(tree, dict):
            return {name: as_before(value) for name, value in tree.items() if name != "jackknife"}
        return tree

    content = json.loads(record.to_text())
    content["intervals"] = as_before(content["intervals"]) | {"warning": "only 4 videos: what was said then"}
    before = records.Record.model_validate_json(json.dumps(content))
    assert before.intervals.score.jackknife is None
    path = records.write(before, tmp_path)
    assert "jackknife" not in path.read_text()
    assert records.read(path) == before
    assert records.check_tree(tmp_path) == ()


def test_bca_bounds_that_their_statistics_do_not_give_are_found(tmp_path):
    record = made()
    assert record.intervals.score.bca is not None
    low, high = record.intervals.score.bca
    score_interval = record.intervals.score.model_copy(update={"bca": (high - (high - low) / 2, high)})
    forge(record, tmp_path, intervals=record.intervals.model_copy(update={"score": score_interval}))
    assert found_in(tmp_path).startswith("intervals.score.bca ")


@pytest.mark.parametrize(
    "change", [{"clusters": 400}, {"warning": None}, {"level": 0.5}, {"resamples": 10**9}, {"resamples": 0}]
)
def test_settings_of_intervals_that_did_not_make_them_are_found(tmp_path, change):
    record = made()
    forge(record, tmp_path, intervals=record.intervals.model_copy(update=change))
    assert found_in(tmp_path).startswith("intervals")


@pytest.mark.parametrize("number", [10**400, -(10**30), 1e308])
def test_sums_beyond_all_bounds_are_a_problem(tmp_path, number):
    def change(content):
        content["statistics"]["tasks"]["va"][0][0][0] = number

    edited(made(), tmp_path, change)
    assert {problem.rule for problem in records.check_tree(tmp_path)} == {"R01"}


def test_a_video_without_statistics_is_found(tmp_path):
    record = made()
    tasks = record.statistics.tasks | {"va": record.statistics.tasks["va"][1:]}
    forge(record, tmp_path, statistics=record.statistics.model_copy(update={"tasks": tasks}))
    assert found_in(tmp_path).startswith("statistics.tasks of shape")


def test_statistics_of_unequal_length_are_found(tmp_path):
    record = made()
    tasks = record.statistics.tasks | {"va": [[[1.0]], *record.statistics.tasks["va"][1:]]}
    forge(record, tmp_path, statistics=record.statistics.model_copy(update={"tasks": tasks}))
    assert found_in(tmp_path) == "statistics with rows of unequal length"


def test_a_faulty_record_does_not_hide_the_others(tmp_path):
    forge(made(entry="a"), tmp_path, score=0.0)
    forge(made(entry="b"), tmp_path, score=0.0)
    assert {Path(str(problem.file)).name for problem in records.check_tree(tmp_path)} == {
        "a.validation.json",
        "b.validation.json",
    }


def test_every_challenge_can_have_a_record(tmp_path):
    for challenge_id in CHALLENGES:
        records.write(made(scored(challenge_id)), tmp_path)
    assert records.check_tree(tmp_path) == ()
