"""What is written: order, names and repetitions of the list, filled rows counted, and the same values read again."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, get
from abawbench.challenges.model import Categorical, Continuous
from abawbench.formats import read_predictions, read_truth
from abawbench.formats.check import check
from abawbench.formats.layout import layouts
from abawbench.formats.lists import RowList, UnitList, read_list
from abawbench.formats.pack import pack
from abawbench.formats.write import write_all, write_annotations, write_list, write_predictions
from abawbench.table import NO_FRAME, Table, align


def same(first, second):
    """Both tables hold the same rows with the same values, in whatever order."""
    alignment = align(first, second)
    assert len(alignment.surplus) == 0
    assert (alignment.rows >= 0).all()
    for task, values in first.values.items():
        np.testing.assert_array_equal(values, second.values[task][alignment.rows])
    return True


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_a_prediction_written_again_is_accepted_and_reads_the_same(submission, challenge_id):
    made = submission(challenge_id)
    path = made.write()
    before = read_predictions(made.challenge, path)
    out = made.folder / "written"
    written = write_predictions(made.challenge, before, made.template, out)
    assert check(made.challenge, out, made.template) == ()
    assert same(before, read_predictions(made.challenge, out))
    assert (written.rows, dict(written.filled), written.left_out) == (len(before), {}, 0)


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_all_rows_written_have_the_ending_of_a_packed_trial_and_read_the_same(submission, challenge_id):
    made = submission(challenge_id)
    before = read_predictions(made.challenge, made.write())
    out = write_all(made.challenge, before, made.folder / "files").path
    assert check(made.challenge, out) == ()
    assert same(before, read_predictions(made.challenge, out))
    pack(made.challenge, [out], made.folder / "trials.zip")
    packed = zipfile.ZipFile(made.folder / "trials.zip").namelist()
    names = [path.name for path in out.iterdir()] if out.is_dir() else [out.name]
    assert {Path(name).suffix for name in packed} == {Path(name).suffix for name in names}
    assert out.suffix == ("" if out.is_dir() else ".csv" if made.challenge.track in {"eri", "emi"} else ".txt")


def test_rows_names_and_repetitions_are_those_of_the_list(submission):
    made = submission("abaw4-mtl")
    names = [line.split(",")[0] for line in made.one]
    prediction = read_predictions(made.challenge, made.write())
    out = made.folder / "written.txt"
    write_predictions(made.challenge, prediction.take(np.arange(len(prediction))[::-1]), made.template, out)
    lines = out.read_text().split("\n")
    assert [line.split(",")[0] for line in lines[1:-1]] == names[1:]
    assert lines[0] == "image,valence,arousal,expression,aus"
    assert lines[-1] == ""
    # the k-th of the repeated rows meets the k-th: reversed, they change places
    assert lines[3].split(",")[1] == "0.110000"


def test_numbers_have_six_decimals_and_classes_none(submission):
    made = submission("abaw4-mtl")
    made.one[1] = "2-30/00001.jpg,-0.1234567,1e-9,3" + ",1" * 12
    out = made.folder / "written.txt"
    write_predictions(made.challenge, read_predictions(made.challenge, made.write()), made.template, out)
    assert out.read_text().split("\n")[1] == "2-30/00001.jpg,-0.123457,0.000000,3" + ",1" * 12


@pytest.mark.parametrize(
    ("policy", "filled", "values"),
    [
        ("previous", {"previous": 2}, ["0.110000", "0.110000", "0.110000", "0.140000"]),
        ("nearest", {"nearest": 2}, ["0.110000", "0.110000", "0.140000", "0.140000"]),
        ("linear", {"linear": 2}, ["0.110000", "0.120000", "0.130000", "0.140000"]),
        ("prior", {"prior": 2}, ["0.110000", "0.125000", "0.125000", "0.140000"]),
    ],
)
def test_filled_rows_are_counted(submission, policy, filled, values):
    made = submission("abaw3-va")
    made.lines = {"1-30-1280x720.txt": ["valence,arousal", *["0.5,0.5"] * 4]}
    made.listed = {"list.txt": ["1-30-1280x720,4"]}
    made.write_list()
    prediction = Table(
        ("1-30-1280x720",),
        np.zeros(2, np.int32),
        np.array([1, 4], np.int32),
        {"va": np.array([[0.11, 0], [0.14, 0]])},
    )
    out = made.folder / "written"
    written = write_predictions(made.challenge, prediction, made.template, out, policy)
    assert dict(written.filled) == filled
    lines = (out / "1-30-1280x720.txt").read_text().split("\n")
    assert [line.split(",")[0] for line in lines[1:-1]] == values


def test_a_missing_row_without_policy_is_named_and_nothing_is_written(submission):
    made = submission("abaw6-expr")
    prediction = read_predictions(made.challenge, made.write())
    with pytest.raises(ProblemError, match="T01"):
        write_predictions(made.challenge, prediction.take(np.arange(5)), made.template, made.folder / "written.txt")
    assert sorted(path.name for path in made.folder.iterdir()) == ["list", "mine"]


def test_rows_that_the_list_does_not_ask_for_are_left_out_and_counted(submission):
    made = submission("abaw6-expr")
    prediction = read_predictions(made.challenge, made.write())
    kept = next(iter(made.listed.values()))
    del kept[5:]
    made.write_list()
    assert write_predictions(made.challenge, prediction, made.template, made.folder / "written.txt").left_out == 3


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.2])
def test_a_prediction_that_would_be_refused_is_not_written(submission, value):
    made = submission("abaw5-va")
    prediction = read_predictions(made.challenge, made.write())
    prediction.values["va"][2, 0] = value
    with pytest.raises(ProblemError, match="V0"):
        write_predictions(made.challenge, prediction, made.template, made.folder / "written.txt")
    assert not (made.folder / "written.txt").exists()


def test_a_written_file_takes_the_place_of_an_older_one_only_when_it_is_good(submission):
    made = submission("abaw5-va")
    prediction = read_predictions(made.challenge, made.write())
    out = made.folder / "written.txt"
    out.write_text("older")
    with pytest.raises(ProblemError):
        write_predictions(made.challenge, prediction.take(np.arange(2)), made.template, out)
    assert out.read_text() == "older"
    write_predictions(made.challenge, prediction, made.template, out)
    assert check(made.challenge, out, made.template) == ()


def test_the_template_header_and_frames_of_violence_are_kept(submission):
    made = submission("abaw9-vd")
    for files in (made.lines, made.listed):
        for lines in files.values():
            lines[0] = "Frame_Num,Label"
    prediction = read_predictions(made.challenge, made.write())
    shorter = prediction.take(np.arange(len(prediction) - 1))
    out = made.folder / "written"
    written = write_predictions(made.challenge, shorter, made.template, out, "previous")
    assert (out / "0012.csv").read_text() == "Frame_Num,Label\n1,1\n2,0\n3,1\n4,1\n"
    assert dict(written.filled) == {"previous": 1}


def test_a_unit_without_prediction_and_length_is_named(submission):
    made = submission("abaw3-va")
    made.listed["test_set.txt"].append("9-15")
    prediction = read_predictions(made.challenge, made.write())
    with pytest.raises(ProblemError, match="9-15"):
        write_predictions(made.challenge, prediction, made.template, made.folder / "written", "prior")


@pytest.mark.parametrize(("predicted", "lines"), [(3, 4), (4, 4), (5, 5), (7, 5)])
def test_a_frame_count_is_met_with_or_without_the_line_after_the_last(submission, predicted, lines):
    made = submission("abaw3-expr")
    made.lines = {"1-30.txt": [made.one[0], *["0"] * predicted]}
    made.listed = {"frames.txt": ["1-30,4"]}
    path = made.write()
    out = made.folder / "written"
    written = write_predictions(made.challenge, read_predictions(made.challenge, path), made.template, out, "previous")
    assert (written.rows, written.left_out) == (lines, max(predicted - lines, 0))
    assert check(made.challenge, out, made.template) == ()


def test_every_probability_gives_a_sum_of_exactly_one(submission):
    made = submission("abaw11-ah")
    names = [f"Videos/{row}/Visite_1/x_Video.mp4" for row in range(2000)]
    made.listed = {"list.txt": [f"{name},0" for name in names]}
    made.write_list()
    chance = np.random.default_rng(0).random(2000).astype(np.float32).astype(np.float64)
    chance[:4] = [0, 1, 1e-9, 1 - 1e-9]
    labels = np.zeros(2000, np.int8)
    index = np.arange(2000, dtype=np.int32)
    prediction = Table(tuple(names), index, np.full(2000, NO_FRAME, np.int32), {"ambivalence": labels}, chance)
    out = made.folder / "written.txt"
    write_predictions(made.challenge, prediction, made.template, out)
    rows = [line.split(",") for line in out.read_text().splitlines()]
    assert all(float(p0) + float(p1) == 1.0 for _, p0, p1, _ in rows)
    assert np.abs(np.array([float(p1) for _, _, p1, _ in rows]) - chance).max() < 6e-7


def test_without_probabilities_the_format_with_labels_alone_is_written(submission):
    made = submission("abaw11-ah")
    made.lines = {"trial-0.txt": [f"{line.split(',')[0]},1" for line in made.one]}
    prediction = read_predictions(made.challenge, made.write())
    out = made.folder / "written.txt"
    write_predictions(made.challenge, prediction, made.template, out)
    assert out.read_text() == "".join(f"{line}\n" for line in made.one)


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_a_list_written_from_rows_asks_for_these_rows(submission, challenge_id):
    made = submission(challenge_id)
    path = made.write()
    listed = made.folder / "written"
    write_list(made.challenge, read_predictions(made.challenge, path), listed)
    assert check(made.challenge, path, listed) == ()
    if made.is_per_unit:
        (path / list(made.lines)[-1]).unlink()
    else:
        made.one.pop()
        made.write()
    assert {problem.rule for problem in check(made.challenge, path, listed)} == {"T08" if made.is_per_unit else "T01"}


@pytest.mark.parametrize("name", ["../outside", "a/b"])
def test_a_unit_name_does_not_lead_out_of_the_folder(submission, name):
    made = submission("abaw3-va")
    truth = Table((name,), np.zeros(1, np.int32), np.ones(1, np.int32), {"va": np.zeros((1, 2))})
    with pytest.raises(ProblemError, match="Z02"):
        write_annotations(made.challenge, truth, made.folder / "written")


# annotations

NAMES = st.lists(
    st.from_regex(r"[1-9][0-9]{0,2}-[0-9]{1,3}x[0-9]{3}", fullmatch=True), min_size=1, max_size=4, unique=True
)
EARLIER = ["abaw1-expr", "abaw3-va", "abaw2-au", "abaw4-mtl", "abaw4-lsd", "abaw6-ce", "abaw5-eri", "abaw8-emi"]
ONE_OF_EACH = [*EARLIER, "abaw8-ah", "abaw11-ah", "abaw10-vd"]


@st.composite
def truths(draw, challenge):
    layout = layouts(challenge, "truth")[0]
    names = draw(NAMES)
    whole = layout.key in {"id", "image"}
    counts = [1 if whole else draw(st.integers(1, 4)) for _ in names]
    total = sum(counts)
    frames = [layout.frame_base + row for count in counts for row in range(count)]
    if layout.key in {"path", "frame-path"} and total > 1 and draw(st.booleans()):
        frames[1] = frames[0]
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = {}
    for task in challenge.tasks:
        absent = generator.random(total) < (0.3 if task.sentinel is not None else 0)
        match task:
            case Continuous():
                block = generator.uniform(task.low, task.high, (total, len(task.columns)))
                block[0] = draw(st.sampled_from([task.low, task.high, 1e-7, 0.1]))
                block[absent] = np.nan
            case Categorical():
                block = generator.integers(0, len(task.classes), total).astype(np.int8)
                block[absent] = -1
            case _:
                block = generator.integers(0, 2, (total, len(task.columns))).astype(np.int8)
                block[absent] = -1
        values[task.name] = block
    if layout.key == "image":
        names = [f"{name}.jpg" for name in names]
    return Table(
        tuple(names),
        np.repeat(np.arange(len(names), dtype=np.int32), counts),
        np.full(total, NO_FRAME, np.int32) if whole else np.array(frames, np.int32),
        values,
    )


@pytest.mark.parametrize("challenge_id", ONE_OF_EACH)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_annotations_written_and_read_are_the_same(challenge_id, data):
    challenge = get(challenge_id)
    truth = data.draw(truths(challenge))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "truth"
        write_annotations(challenge, truth, out)
        assert same(truth, read_truth(challenge, out))


def test_frames_with_gaps_have_no_place_in_a_file_without_frame_numbers(submission):
    made = submission("abaw3-va")
    truth = Table(("a",), np.zeros(2, np.int32), np.array([1, 3], np.int32), {"va": np.zeros((2, 2))})
    with pytest.raises(ProblemError, match="T07"):
        write_annotations(made.challenge, truth, made.folder / "written")


def test_a_missing_annotation_has_no_place_in_a_format_without_sentinel(submission):
    made = submission("abaw6-ce")
    truth = Table(("01",), np.zeros(1, np.int32), np.ones(1, np.int32), {"compound": np.full(1, -1, np.int8)})
    with pytest.raises(ProblemError, match="V09"):
        write_annotations(made.challenge, truth, made.folder / "written.txt")


ROWS = Table(("b", "a"), np.array([0, 0, 0, 1], np.int32), np.array([1, 2, 2, 1], np.int32), {})
WHOLE = Table(("00002", "00001"), np.array([0, 1], np.int32), np.full(2, NO_FRAME, np.int32), {})


@pytest.mark.parametrize(
    ("challenge", "rows", "names"),
    [
        ("abaw4-mtl", ROWS, ["b/00001.jpg", "b/00002.jpg", "b/00002.jpg", "a/00001.jpg"]),
        ("abaw6-va", ROWS, ["b/00001.jpg", "b/00002.jpg", "b/00002.jpg", "a/00001.jpg"]),
        ("abaw8-emi", WHOLE, ["00002", "00001"]),
        ("abaw4-lsd", WHOLE, ["00002", "00001"]),
    ],
)
def test_rows_are_listed_in_order_with_their_repetitions(tmp_path, challenge, rows, names):
    path = tmp_path / "list.txt"
    write_list(get(challenge), rows, path)
    wanted = read_list(get(challenge), path)
    assert isinstance(wanted, RowList)
    assert wanted.keys.to_pylist() == names


@pytest.mark.parametrize("challenge", ["abaw3-va", "abaw10-vd"])
def test_units_are_listed_once(tmp_path, challenge):
    path = tmp_path / "list"
    write_list(get(challenge), ROWS, path)
    wanted = read_list(get(challenge), path)
    assert isinstance(wanted, UnitList)
    assert set(wanted.units) == {"a", "b"}
