"""Names and scores of classes, True and False, and sentinels in text files: one reading for every verb."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats import read_predictions
from abawbench.formats.check import check, is_accepted
from abawbench.formats.layout import prediction_layouts
from abawbench.formats.repair import repair
from abawbench.formats.settle import settle

EXPRESSION, UNITS, MTL = (get(name) for name in ("abaw6-expr", "abaw3-au", "abaw7-mtl"))
CLASSES = EXPRESSION.tasks[0].outputs
HEADER = ",".join(["image_location", *CLASSES])
NUMBERS = [3, 1, 7, 0]
UNIT_VALUES = ",".join("010101010101")


def named(values):
    return [f"v/{frame:05d}.jpg,{value}" for frame, value in enumerate(values, start=1)]


def scores(number, scale=1.0, shift=0.0, order=range(8)):
    row = np.eye(8)[number] * scale + shift
    return ",".join(f"{row[place]:g}" for place in order)


def text_of(*lines):
    return "".join(f"{line}\n" for line in lines)


RIGHT = text_of(HEADER, *named(NUMBERS))
REVERSED = range(7, -1, -1)
FORMS = {
    "names": ("V01", HEADER, lambda number: CLASSES[number]),
    "synonyms in capitals": ("V01", HEADER, lambda number: CLASSES[number].upper().replace("ANGER", "ANGRY")),
    "one-hot": ("F06", HEADER, scores),
    "probabilities": ("F06", HEADER, lambda number: scores(number, 0.92, 0.01)),
    "logits": ("F06", HEADER, lambda number: scores(number, 9, -4)),
    "classes in another order": (
        "F06",
        ",".join(["image_location", *reversed(CLASSES)]),
        lambda number: scores(number, 9, -4, REVERSED),
    ),
    "numbered scores": (
        "F06",
        ",".join(["path", *(f"p{number}" for number in range(8))]),
        lambda number: scores(number, 0.92, 0.01),
    ),
    "printed scores": ("F06", HEADER, lambda number: f"[{scores(number, 9, -4)}]"),
    "floats": ("V05", HEADER, lambda number: f"{number:.1f}"),
    "exponents": ("V05", HEADER, lambda number: f"{number:.2e}"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_class_in_another_form_is_told_by_check_mended_by_repair_and_read(form, tmp_path):
    rule, header, write = FORMS[form]
    path = tmp_path / "p.txt"
    path.write_text(text_of(header, *named(map(write, NUMBERS))))
    (tmp_path / "list.txt").write_text(text_of(HEADER, *named([""] * 4)))
    problems = check(EXPRESSION, path, tmp_path / "list.txt")
    found = next(problem for problem in problems if problem.rule == rule)
    assert found.count == 4
    assert "check --repair" in found.fix
    repair(EXPRESSION, path, tmp_path / "list.txt", tmp_path / "mended.txt")
    assert (tmp_path / "mended.txt").read_text() == RIGHT
    assert is_accepted(check(EXPRESSION, tmp_path / "mended.txt", tmp_path / "list.txt"))
    table = read_predictions(EXPRESSION, path)
    assert table.classes("expression").tolist() == NUMBERS
    assert all(note.is_note for note in table.notes)
    assert sum(note.count for note in table.notes) >= 4
    abawbench.write("abaw6-expr", path, tmp_path / "out.txt", template=tmp_path / "list.txt")
    assert (tmp_path / "out.txt").read_text() == RIGHT


@pytest.mark.parametrize(
    ("challenge", "name", "lines", "task", "expected"),
    [
        ("abaw3-expr", "v.txt", [",".join(CLASSES), "happy", "FEAR"], "expression", [4, 3]),
        ("abaw3-expr", "v.txt", [",".join(CLASSES), scores(4, 9, -4), scores(3, 9, -4)], "expression", [4, 3]),
        ("abaw10-vd", "v.csv", ["Frame_Number,Label", "0,violent", "1,Non-Violent"], "violence", [1, 0]),
        ("abaw10-vd", "v.csv", ["Frame_Number,Label", "0,True", "1,False"], "violence", [1, 0]),
        ("abaw10-vd", "v.csv", ["Frame_Number,Label", "1,0.25,0.75", "2,0.75,0.25"], "violence", [1, 0]),
    ],
)
def test_files_of_units_are_read_alike(challenge, name, lines, task, expected, tmp_path):
    (tmp_path / name).write_text(text_of(*lines))
    table = read_predictions(get(challenge), tmp_path)
    assert table.classes(task).tolist() == expected
    assert table.notes


def test_true_and_false_are_labels(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text(text_of(",".join(UNITS.tasks[0].outputs), ",".join(["True", "false"] * 6)))
    assert read_predictions(UNITS, tmp_path).classes("action_units").tolist() == [[1, 0] * 6]


def test_probabilities_without_a_label_give_the_label(tmp_path):
    path = tmp_path / "trial.txt"
    path.write_text(text_of("Videos/a.mp4,0.25,0.75", "Videos/b.mp4,0.75,0.25"))
    repair(get("abaw11-ah"), path, None, tmp_path / "mended.txt")
    assert (tmp_path / "mended.txt").read_text() == text_of("Videos/a.mp4,0.25,0.75,1", "Videos/b.mp4,0.75,0.25,0")


@pytest.mark.parametrize(
    ("challenge", "lines", "rule"),
    [
        ("abaw6-expr", [HEADER, *named(["happy", "bored"])], "V01"),
        ("abaw6-expr", [HEADER, *named(["True", "False"])], "V01"),
        ("abaw6-expr", [HEADER, *named([scores(1), "0.5,0.5,0,0,0,0,0,0"])], "V06"),
        ("abaw6-expr", [HEADER, *named([scores(1)[:-2], scores(2)[:-2]])], "F06"),
        # logits under a header that does not name the classes could be in any order
        (
            "abaw7-mtl",
            ["image,valence,arousal,expression,aus", *named([f"0.1,0.2,{scores(1, 9, -4)},{UNIT_VALUES}"] * 3)],
            "F06",
        ),
        ("abaw6-va", ["image_location,valence,arousal", *named(["True,0.5"])], "V01"),
    ],
)
def test_what_could_mean_something_else_is_refused(challenge, lines, rule, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text(text_of(*lines))
    with pytest.raises(ProblemError) as caught:
        read_predictions(get(challenge), path)
    assert rule in {problem.rule for problem in caught.value.problems}
    assert rule in {problem.rule for problem in check(get(challenge), path)}
    with pytest.raises(ProblemError):
        repair(get(challenge), path, None, tmp_path / "mended.txt")
    assert not (tmp_path / "mended.txt").exists()


def test_a_label_and_its_opposite_are_not_taken_for_one_hot_rows(tmp_path):
    (tmp_path / "v.csv").write_text(text_of("Frame_Number,Label", "1,1,0", "2,0,1", "3,1,0"))
    with pytest.raises(ProblemError):
        read_predictions(get("abaw10-vd"), tmp_path)


def test_an_unknown_class_is_named_with_the_near_ones(tmp_path):
    (tmp_path / "p.txt").write_text(text_of(HEADER, *named(["hapy"])))
    with pytest.raises(ProblemError) as caught:
        read_predictions(EXPRESSION, tmp_path / "p.txt")
    assert caught.value.problems[0].found == "expression = 'hapy' (Happiness?)"


ROWS = st.lists(st.integers(0, 7), min_size=1, max_size=6)


@given(ROWS, st.sampled_from(sorted(FORMS)))
def test_settling_gives_the_bytes_of_the_right_file(numbers, form):
    _, header, write = FORMS[form]
    data = text_of(header, *named(map(write, numbers))).encode()
    settled = settle(data, prediction_layouts(EXPRESSION), "p.txt")
    assert settled.to_bytes().decode() == text_of(HEADER, *named(numbers))


def mtl(*rows):
    return text_of("image,valence,arousal,expression,aus", *named(rows))


def test_a_row_of_sentinels_is_no_prediction_of_that_task(tmp_path):
    marked = ",".join(["-1"] * 12)
    path = tmp_path / "p.txt"
    whole = [f"0.5,0.25,4,{UNIT_VALUES}"] * 20
    path.write_text(mtl(f"-5,-5,3,{UNIT_VALUES}", f"0.5,0.25,-1,{marked}", *whole))
    table = read_predictions(MTL, path)
    lacking = {task: np.flatnonzero(rows).tolist() for task, rows in table.unanswered().items()}
    assert lacking == {"va": [0], "expression": [1], "action_units": [1]}
    assert [(note.rule, note.count) for note in table.notes] == [("N43", 1)] * 3
    (tmp_path / "list.txt").write_text(text_of("image,valence,arousal,expression,aus", *named([""] * 22)))
    with pytest.raises(ProblemError, match=r"V04[\s\S]*--fill"):
        abawbench.write("abaw7-mtl", path, tmp_path / "out.txt", template=tmp_path / "list.txt")
    written = abawbench.write("abaw7-mtl", path, tmp_path / "out.txt", template=tmp_path / "list.txt", fill="nearest")
    assert written.filled == {"nearest": 2}
    assert "V04" in {problem.rule for problem in check(MTL, path)}


@pytest.mark.parametrize("rows", [["-5,0.5"], ["0.5,-5", "0.5,0.5"]])
def test_a_sentinel_beside_a_value_of_its_task_is_refused(rows, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text(text_of("image_location,valence,arousal", *named(rows)))
    with pytest.raises(ProblemError, match="V04"):
        read_predictions(get("abaw6-va"), path)


@pytest.mark.parametrize("marked", ["-1", "-1.0"])
def test_units_without_a_face_are_filled_and_counted(marked, tmp_path):
    header = ",".join(UNITS.tasks[0].outputs)
    for folder, middle in (("mine", ",".join([marked] * 12)), ("truth", ",".join(["0"] * 12))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "v.txt").write_text(text_of(header, UNIT_VALUES, middle, UNIT_VALUES, UNIT_VALUES))
    with pytest.raises(ProblemError, match=r"V04[\s\S]*--missing"):
        abawbench.score("abaw3-au", tmp_path / "truth", tmp_path / "mine")
    score = abawbench.score("abaw3-au", tmp_path / "truth", tmp_path / "mine", missing="previous")
    assert score.filled == {"previous": 1}
    assert score.rows["predicted"] == 3


def test_sentinels_where_the_truth_has_none_need_no_policy(tmp_path):
    header = "image_location,valence,arousal"
    (tmp_path / "truth.txt").write_text(text_of(header, *named(["0.5,0.5", "-5,-5", "0.25,0"])))
    (tmp_path / "mine.txt").write_text(text_of(header, *named(["0.5,0.5", "-5,-5", "0.25,0"])))
    score = abawbench.score("abaw6-va", tmp_path / "truth.txt", tmp_path / "mine.txt")
    assert score.filled == {}
    assert score.score == pytest.approx(1)
