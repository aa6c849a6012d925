"""DataFrames, Parquet and named columns of CSV: how people hold predictions, and what is wrong with them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import abawbench
from abawbench.api import read_table
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats.dataframe import from_frame

VA, EXPRESSION, UNITS, MTL = (get(name) for name in ("abaw6-va", "abaw6-expr", "abaw6-au", "abaw7-mtl"))
CLASSES = EXPRESSION.tasks[0].outputs


@pytest.fixture
def affect() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "video": ["a", "a", "a", "b"],
            "frame": [1, 2, 3, 1],
            "valence": [0.1, 0.2, 0.3, 0.4],
            "arousal": [0.5, 0.25, -0.5, -0.25],
        }
    )


def expressions(values: object, **columns: object) -> pd.DataFrame:
    count = len(values)  # pyright: ignore[reportArgumentType]
    return pd.DataFrame({"video": ["a"] * count, "frame": range(1, count + 1), "expression": values, **columns})


def read(frame, challenge=VA):
    return from_frame(challenge, frame, "prediction")


def refused(frame, challenge=VA):
    with pytest.raises(ProblemError) as caught:
        read(frame, challenge)
    return [problem for problem in caught.value.problems if not problem.is_note]


def notes_of(table):
    return {note.rule: (note.found, note.count) for note in table.notes}


def paths(frame):
    return [f"{video}/{number:05d}.jpg" for video, number in zip(frame["video"], frame["frame"], strict=True)]


def by_path(frame, name):
    return frame.assign(**{name: paths(frame)}).drop(columns=["video", "frame"])


FORMS = {
    "as it is": lambda frame: frame,
    "both in the index": lambda frame: frame.set_index(["video", "frame"]),
    "the video in the index": lambda frame: frame.set_index("video"),
    "in the index and in columns": lambda frame: frame.set_index(["video", "frame"], drop=False),
    "the frame in the index": lambda frame: frame.set_index("frame"),
    "image_location": lambda frame: by_path(frame, "image_location"),
    "image, in the index": lambda frame: by_path(frame, "Image").set_index("Image"),
    "Filename": lambda frame: by_path(frame, "filename"),
    "paths as videos": lambda frame: frame.assign(video=paths(frame)).drop(columns="frame"),
    "paths beside frames": lambda frame: frame.assign(image_location=paths(frame)).drop(columns="video"),
    "paths beside videos": lambda frame: frame.assign(image_location=paths(frame)).drop(columns="frame"),
    "video_id": lambda frame: frame.rename(columns={"video": "Video_ID"}),
    "capitals and blanks": lambda frame: frame.rename(columns=lambda name: f" {name.title()} "),
    "columns of two levels": lambda frame: frame.set_axis(pd.MultiIndex.from_product([frame.columns, [""]]), axis=1),
    "rows in a slice": lambda frame: pd.concat([frame, frame]).iloc[:4],
    "frames as floats": lambda frame: frame.astype({"frame": float}),
    "frames as text": lambda frame: frame.astype({"frame": str}),
    "videos as categories": lambda frame: frame.astype({"video": "category"}),
    "videos as bytes": lambda frame: frame.assign(video=frame["video"].str.encode("utf-8")),
    "nullable": lambda frame: frame.convert_dtypes(),
    "of Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "decimals": lambda frame: frame.assign(valence=[Decimal(str(value)) for value in frame["valence"]]),
    "arrays of one number": lambda frame: frame.assign(valence=[np.array(value) for value in frame["valence"]]),
    "numbers as text": lambda frame: frame.assign(valence=frame["valence"].astype(str)),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_rows_in_another_form_are_the_same_table(affect, form):
    expected, table = read(affect), read(FORMS[form](affect))
    assert table.videos == expected.videos
    for one, other in (
        (expected.video, table.video),
        (expected.frame, table.frame),
        (expected.numbers("va"), table.numbers("va")),
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form not in {"arrays of one number", "columns of two levels"}]
)
def test_parquet_holds_what_the_frame_holds(affect, form, tmp_path):
    FORMS[form](affect).to_parquet(tmp_path / "a.parquet")
    table = read_table(VA, tmp_path / "a.parquet", "prediction")
    np.testing.assert_array_equal(table.numbers("va"), read(affect).numbers("va"))
    assert [table.name(row) for row in range(4)] == ["a frame 1", "a frame 2", "a frame 3", "b frame 1"]


def test_whatever_turns_into_pandas_is_read(affect):
    class Foreign:
        def to_pandas(self):
            return affect

    assert len(read(Foreign())) == 4


def test_what_is_no_frame_is_refused():
    (problem,) = refused({"valence": [0.5]})
    assert (problem.rule, problem.found) == ("C02", "an object of type dict")


def test_columns_that_are_not_read_are_noted(affect, tmp_path):
    assert notes_of(read(affect.assign(seed=1)))["N42"] == ("'seed'", 1)
    affect.to_csv(tmp_path / "a.csv")
    affect.iloc[[0, 3, 1]].to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        assert notes_of(read_table(VA, tmp_path / name, "prediction"))["N42"] == ("'index'", 1)
    assert read(affect).notes == ()


@pytest.mark.parametrize(
    ("spoil", "rule", "count", "line"),
    [
        (lambda frame: frame.assign(valence=1.5), "V03", 4, 1),
        (lambda frame: frame.assign(valence=[0, 0, 7, 0]), "V03", 1, 3),
        (lambda frame: frame.assign(valence=[0, np.inf, 0, 0]), "V02", 1, 2),
        (lambda frame: frame.assign(valence=[[0.1]] * 4), "V01", 4, 1),
        (lambda frame: frame.assign(valence=[np.array([0.1, 0.2])] * 4), "V01", 4, 1),
        (lambda frame: frame.assign(valence=True), "V01", 4, 1),
        (lambda frame: frame.assign(valence=pd.to_timedelta([1, 2, 3, 4], "s")), "V01", 4, 1),
        (lambda frame: frame.assign(valence=[Decimal("sNaN"), *"000"]), "V01", 1, 1),
        (lambda frame: frame.assign(valence=["x", "0", "", "0"]), "V01", 2, 1),
        (lambda frame: frame.assign(valence=-5), "V04", 4, 1),
        (lambda frame: frame.assign(frame=pd.date_range("2026", periods=4)), "T06", 4, 1),
        (lambda frame: frame.assign(frame=True), "T06", 4, 1),
        (lambda frame: frame.assign(frame=[[1], [2], [3], [1]]), "T06", 4, 1),
        (lambda frame: frame.assign(frame=[1, None, 3, None]), "T06", 2, 2),
        (lambda frame: frame.assign(video=["a", None, np.nan, "b"]), "T06", 2, 2),
        (lambda frame: frame.drop(columns="valence"), "F04", 1, None),
        (lambda frame: frame.drop(columns="frame"), "F04", 1, None),
        (lambda frame: frame.drop(columns="video"), "F04", 1, None),
        (lambda frame: pd.concat([frame, frame[["valence"]]], axis=1), "F04", 1, None),
        (lambda frame: frame.iloc[:0], "F02", 1, None),
        (lambda frame: by_path(frame, "image_location").replace("a/00002.jpg", "a.png"), "T06", 1, 2),
    ],
)
def test_what_is_wrong_with_a_frame_is_counted_and_placed(affect, spoil, rule, count, line):
    first, *others = refused(spoil(affect))
    assert (first.rule, first.count, first.line) == (rule, count, line)
    assert {problem.rule for problem in others} <= {rule}


def test_faults_of_several_columns_are_counted_together(affect):
    assert refused(affect.assign(valence=1.5, arousal=2))[0].count == 8


def test_lines_of_a_csv_file_are_those_of_the_file(affect, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("video,frame,valence,arousal\na,1,0.1,0.2\n\na,2,7,0.2\n")
    with pytest.raises(ProblemError) as caught:
        read_table(VA, path, "prediction")
    assert [(problem.rule, problem.line) for problem in caught.value.problems] == [("V03", 4)]


@pytest.mark.parametrize("row", ["a,1,0.1", "a,1,0.1,0.2,0.3"])
def test_a_csv_row_of_another_width_is_refused(row, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"video,frame,valence,arousal\na,2,0.1,0.2\n{row}\n")
    with pytest.raises(ProblemError, match="F06"):
        read_table(VA, path, "prediction")


def test_a_csv_file_with_the_formats_names_and_more_is_a_table(affect, tmp_path):
    by_path(affect, "image_location").assign(confidence=0.5).to_csv(tmp_path / "a.csv", index=False)
    table = read_table(VA, tmp_path / "a.csv", "prediction")
    np.testing.assert_array_equal(table.numbers("va"), read(affect).numbers("va"))
    assert notes_of(table)["N42"] == ("'confidence'", 1)


def test_numbers_of_a_csv_file_are_read_exactly(affect, tmp_path):
    frame = affect.assign(valence=np.random.default_rng(0).random(4))
    frame.to_csv(tmp_path / "a.csv", index=False)
    np.testing.assert_array_equal(
        read_table(VA, tmp_path / "a.csv", "prediction").numbers("va"), read(frame).numbers("va")
    )


def test_action_units_may_have_zeros_in_their_names():
    names = UNITS.tasks[0].outputs
    frame = pd.DataFrame({"video": "a", "frame": [1], **{f"AU{int(name[2:]):02d}": [1] for name in names}})
    assert read(frame, UNITS).classes("action_units").tolist() == [[1] * 12]


@pytest.mark.parametrize(
    ("challenge", "columns", "values"),
    [
        ("abaw10-vd", {"video": ["a"], "Frame_Number": [7], "Label": [1]}, {"violence": [1]}),
        ("abaw4-lsd", {"image": ["0.jpg"], "expression": ["fear"]}, {"expression": [2]}),
        ("abaw11-ah", {"File_ID": ["a.mp4"], "p0": [0.25], "p1": [0.75]}, {"ambivalence": [1]}),
        ("abaw11-ah", {"video": ["a.mp4"], "ambivalence": ["absent"]}, {"ambivalence": [0]}),
    ],
)
def test_the_columns_of_the_challenges_own_files_are_known(challenge, columns, values):
    table = read(pd.DataFrame(columns), get(challenge))
    assert {task: value.tolist() for task, value in table.values.items()} == values


def test_probabilities_of_two_classes_stay_probabilities():
    frame = pd.DataFrame({"video": ["a", "b"], "p0": [0.25, 0.9], "p1": [0.75, 0.1], "ambivalence": [1, 0]})
    probability = read(frame, get("abaw11-ah")).probability
    assert probability is not None
    assert probability.tolist() == [0.75, 0.1]


def test_names_of_classes_are_noted_and_unknown_ones_are_refused():
    table = read(expressions(["happy", "OTHER", "anger"]), EXPRESSION)
    assert table.classes("expression").tolist() == [4, 7, 1]
    found, count = notes_of(table)["N40"]
    assert count == 3
    assert "happy (Happiness) is 4" in found
    first, second = refused(expressions(["hapy", "Anger", "x"]), EXPRESSION)
    assert (first.rule, first.count, first.found) == ("V06", 2, "expression = 'hapy' (Happiness?)")
    assert (second.line, second.found) == (3, "expression = 'x'")


@pytest.mark.parametrize("scale", [(1, 0), (0.92, 0.01), (7, -3)])
@pytest.mark.parametrize("name", [str, lambda name: f"prob_{name}", CLASSES.index])
def test_the_greatest_score_is_the_class(scale, name):
    classes = [3, 1, 7, 0]
    scores = np.eye(8)[classes] * scale[0] + scale[1]
    columns = {name(one): scores[:, place] for place, one in enumerate(CLASSES)}
    table = read(pd.DataFrame({"video": "a", "frame": range(1, 5), **columns}), EXPRESSION)
    assert table.classes("expression").tolist() == classes
    assert notes_of(table)["N40"][1] == 4


@pytest.mark.parametrize(("row", "rule"), [([0.125] * 8, "V06"), ([0.5, *[None] * 7], "V01"), (["x", *[0] * 7], "V01")])
def test_scores_that_decide_nothing_are_refused(row, rule):
    columns = {name: [value, float(name == "Fear")] for name, value in zip(CLASSES, row, strict=True)}
    first, *_ = refused(pd.DataFrame({"video": "a", "frame": [1, 2], **columns}), EXPRESSION)
    assert (first.rule, first.count, first.line) == (rule, 1, 1)


def test_the_class_without_scores_is_named():
    columns = {key: [0.5] for key in CLASSES[:7]}
    (problem,) = refused(pd.DataFrame({"video": "a", "frame": [1], **columns}), EXPRESSION)
    assert "none of Other" in problem.found


def test_probabilities_of_labels_are_refused_with_the_threshold():
    names = UNITS.tasks[0].outputs
    first, *_ = refused(pd.DataFrame({"video": "a", "frame": [1, 2], **{key: [0.9, 0.1] for key in names}}), UNITS)
    assert (first.rule, first.count) == ("V07", 24)
    assert "0.5" in first.fix


def test_an_empty_value_is_no_prediction_of_that_task_alone():
    units = {key: [0, 1] for key in MTL.tasks[2].outputs}
    frame = expressions([3, -1], valence=[np.nan, 0.5], arousal=[0.25, 0.5], **units)
    table = read(frame, MTL)
    assert np.isnan(table.numbers("va")).tolist() == [[True, True], [False, False]]
    assert table.classes("expression").tolist() == [3, -1]
    assert table.classes("action_units")[:, 0].tolist() == [0, 1]
    assert {rule: count for rule, (_, count) in notes_of(table).items()} == {"N41": 1, "N43": 1}


def truth_of(frame):
    return frame.drop(columns=["expression", *CLASSES], errors="ignore").assign(expression=[1, 2, 3, 4])


def test_rows_without_a_value_need_a_policy():
    frame = expressions([1, None, 3, 4])
    with pytest.raises(ProblemError, match=r"T01[\s\S]*a frame 2[\s\S]*--missing"):
        abawbench.score("abaw6-expr", truth_of(frame), frame)
    with pytest.raises(ProblemError, match=r"V04[\s\S]*a frame 2[\s\S]*--missing"):
        abawbench.score("abaw6-expr", truth_of(frame), frame.fillna(-1))
    for one in (frame, frame.fillna(-1)):
        score = abawbench.score("abaw6-expr", truth_of(frame), one, missing="previous")
        assert score.filled == {"previous": 1}
        assert score.rows["predicted"] == 3


def test_rows_without_a_value_that_nobody_annotated_need_no_policy():
    frame = expressions([1, -1, 3, 4])
    truth = truth_of(frame)
    truth.loc[1, "expression"] = -1
    score = abawbench.score("abaw6-expr", truth, frame)
    assert score.filled == {}
    assert score.score == abawbench.score("abaw6-expr", truth, frame.drop(index=1)).score


WRITTEN = {
    "numbers": lambda frame: frame,
    "floats": lambda frame: frame.astype({"expression": float}),
    "names": lambda frame: frame.assign(expression=[CLASSES[number] for number in frame["expression"]]),
    "categories": lambda frame: frame.assign(expression=pd.Categorical.from_codes(frame["expression"], list(CLASSES))),
    "one-hot": lambda frame: frame.drop(columns="expression").join(
        pd.DataFrame(np.eye(8)[frame["expression"]], columns=list(CLASSES))
    ),
    "logits": lambda frame: frame.drop(columns="expression").join(
        pd.DataFrame(np.eye(8)[frame["expression"]] * 9 - 4).add_prefix("logit ")
    ),
    "in the index": lambda frame: frame.set_index(["video", "frame"]),
    "another order": lambda frame: frame.iloc[::-1],
}


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("way", ["frame", "parquet", "csv"])
def test_the_same_predictions_in_every_form_are_the_same_file_and_score(form, way, tmp_path):
    frame = expressions([3, 1, 7, 0])
    (tmp_path / "list.txt").write_text(
        "\n".join(["image_location," + ",".join(CLASSES), *(f"{path}," for path in paths(frame)), ""])
    )
    source = WRITTEN[form](frame)
    if way == "parquet":
        source.to_parquet(tmp_path / "p.parquet")
        source = tmp_path / "p.parquet"
    elif way == "csv":
        source.to_csv(tmp_path / "p.csv", index=form == "in the index")
        source = tmp_path / "p.csv"
    abawbench.write("abaw6-expr", source, tmp_path / "out.txt", template=tmp_path / "list.txt")
    rows = (tmp_path / "out.txt").read_text().splitlines()[1:]
    assert rows == [f"{path},{number}" for path, number in zip(paths(frame), [3, 1, 7, 0], strict=True)]
    expected = abawbench.score("abaw6-expr", truth_of(frame), frame, resamples=100)
    assert abawbench.score("abaw6-expr", truth_of(frame), source, resamples=100).to_json() == expected.to_json()
