"""Faults of a whole text file: told as one, read as what is meant, and mended to the very bytes of the good file."""

from __future__ import annotations

import re
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats import read_predictions
from abawbench.formats.check import check
from abawbench.formats.layout import prediction_layouts
from abawbench.formats.repair import repair
from abawbench.formats.settle import settle
from abawbench.formats.write import write_predictions
from tests.formats.conftest import good_submission

CHALLENGES = [
    "abaw6-expr",
    "abaw3-expr",
    "abaw3-va",
    "abaw3-au",
    "abaw7-mtl",
    "abaw10-va",
    "abaw8-emi",
    "abaw10-vd",
    "abaw11-ah",
    "abaw8-ah",
    "abaw4-lsd",
]


class File:
    """A good file, in pieces to be spoilt."""

    def __init__(self, text, layout):
        self.layout = layout
        lines = text.splitlines()
        self.header = lines[:1] if layout.header is not None else []
        self.rows = lines[len(self.header) :]
        self.text = text

    def with_rows(self, change):
        return "".join(f"{line}\n" for line in [*self.header, *map(change, self.rows)])

    def with_lines(self, change):
        return "".join(f"{line}\n" for line in map(change, [*self.header, *self.rows]))

    def with_values(self, change):
        def changed(row):
            fields = row.split(",")
            return ",".join([*fields[: self.layout.has_key], *map(change, fields[self.layout.has_key :])])

        return self.with_rows(changed)

    def numbered(self, start=0, name=""):
        head = [f"{name},{self.header[0]}"] if self.header else []
        return "".join(f"{line}\n" for line in [*head, *(f"{n},{row}" for n, row in enumerate(self.rows, start))])


# what is done to a good file, and the rules that check names
FAULTS = {
    "UTF-16": (lambda file: file.text.encode("utf-16"), {"F03"}),
    "UTF-16 without a mark": (lambda file: file.text.encode("utf-16-le"), {"F03"}),
    "UTF-16 of another machine": (lambda file: file.text.encode("utf-16-be"), {"F03"}),
    "old Mac": (lambda file: file.text.replace("\n", "\r"), {"F03"}),
    "byte order mark": (lambda file: "\ufeff" + file.text, {"N02"}),
    "Windows": (lambda file: file.text.replace("\n", "\r\n"), {"N01"}),
    "Windows twice": (lambda file: file.text.replace("\n", "\r\r\n"), {"N01"}),
    "blank lines in between": (lambda file: file.text.replace("\n", "\n\n"), {"F10", "N03"}),
    "trailing blanks": (lambda file: file.text.replace("\n", "  \n"), {"F08", "N06"}),
    "no last line feed": (lambda file: file.text[:-1], {"N10"}),
    "semicolons": (lambda file: file.text.replace(",", ";"), {"F13"}),
    "tabs": (lambda file: file.text.replace(",", "\t"), {"F13"}),
    "bars": (lambda file: file.text.replace(",", "|"), {"F13"}),
    "bars with blanks": (lambda file: file.text.replace(",", " | "), {"F13"}),
    "blanks": (lambda file: file.text.replace(",", " "), {"F13"}),
    "semicolons at line ends": (lambda file: file.text.replace(",", ";").replace("\n", ";\n"), {"F13", "F08"}),
    "decimal commas": (
        lambda file: re.sub(r"(?<=\d)\.(?=\d)", ",", file.text.replace(",", ";")),
        {"F13"},
    ),
    "quoted decimal commas": (
        lambda file: file.with_values(lambda value: f'"{value.replace(".", ",")}"'),
        {"F07", "F13"},
    ),
    "quotes": (lambda file: file.with_lines(lambda line: ",".join(f'"{part}"' for part in line.split(","))), {"F07"}),
    "index of pandas": (lambda file: file.numbered(), {"F14"}),
    "index with a name": (lambda file: file.numbered(0, "Unnamed: 0"), {"F14"}),
    "index from 1": (lambda file: file.numbered(1, "index"), {"F14"}),
    "comment in front": (lambda file: f"# epoch 3, {file.header}\n{file.text}", {"F15"}),
    "comments": (lambda file: file.with_rows(lambda row: f"{row}\n// next\n% frame"), {"F15"}),
    "header as a comment": (lambda file: f"# {file.text}", {"F15"}),
    "header again": (lambda file: "\n".join([*file.header, *file.rows[:2], *file.header, *file.rows[2:], ""]), {"F16"}),
    "twice": (lambda file: file.text * 2, {"T03"}),
    "three times": (lambda file: file.text * 3, {"T03"}),
    "stopped and begun again": (lambda file: "\n".join([*file.header, *file.rows[:2], file.text]), {"T03"}),
    "tensors": (lambda file: file.with_values("tensor({})".format), {"F18"}),
    "tensors on a GPU": (lambda file: file.with_values("tensor({}, device='cuda:0')".format), {"F18"}),
    "brackets": (lambda file: file.with_values("[{}]".format), {"F18"}),
    "NumPy numbers": (lambda file: file.with_values("np.float32({})".format), {"F18"}),
    "arrays": (lambda file: file.with_values("array([{}], dtype=float32)".format), {"F18"}),
    "no header": (lambda file: file.with_rows(str).removeprefix(f"{file.header[0]}\n"), {"F04"}),
    "header in capitals": (lambda file: file.text.replace(file.header[0], file.header[0].upper()), {"F04"}),
    "several at once": (
        lambda file: ("# mine\n" + file.text.replace(",", ";").replace("\n", "\r\n")[:-2]).encode("utf-16"),
        {"F03", "N01", "F13", "F15", "N10"},
    ),
}
NEED_HEADER = {"header as a comment", "header again", "no header", "header in capitals", "stopped and begun again"}
NEED_NAMES = {"blank lines in between"}
# rows in a file of one unit may go on after a header
AMBIGUOUS = {("header again", "line")}


def applies(name, layout):
    if layout.header is None and name in NEED_HEADER:
        return False
    if name in {"decimal commas", "quoted decimal commas"} and not any("." in c.example for c in layout.columns):
        return False
    if name in {"semicolons", "tabs", "bars", "blanks", "semicolons at line ends"} and layout.width == 1:
        return name == "semicolons"
    if name == "no header" and layout.header_aliases:
        return False
    return (name, layout.key) not in AMBIGUOUS


CASES = [
    pytest.param(challenge_id, name, id=f"{challenge_id}-{name}")
    for challenge_id in CHALLENGES
    for name in FAULTS
    if applies(name, prediction_layouts(get(challenge_id))[0])
]


def spoilt(submission, challenge_id, name):
    """A submission, its path after a fault in its first file, that file, and its good bytes."""
    made = submission(challenge_id)
    layout = prediction_layouts(made.challenge)[0]
    path = made.write()
    file = path / next(iter(made.lines)) if made.is_per_unit else path
    good = file.read_text()
    bad = FAULTS[name][0](File(good, layout))
    if bad == good:
        # a format without decimals, capitals or a header
        pytest.skip("no such fault in this format")
    file.write_bytes(bad if isinstance(bad, bytes) else bad.encode())
    return made, path, file, good


@pytest.mark.parametrize(("challenge_id", "name"), CASES)
def test_it_is_told_by_its_own_rule_and_mended_to_the_good_bytes(submission, challenge_id, name):
    made, path, file, good = spoilt(submission, challenge_id, name)
    found = check(made.challenge, path, made.template)
    assert {problem.rule for problem in found} <= FAULTS[name][1]
    assert all(problem.file == str(file) for problem in found)
    assert all("check --repair" in problem.fix for problem in found if not problem.is_note)
    out = made.folder / "copy"
    repair(made.challenge, path, made.template, out)
    assert (out / file.name if made.is_per_unit else out).read_text() == good


@pytest.mark.parametrize(("challenge_id", "name"), CASES)
def test_it_is_read_as_the_good_file_with_a_note(submission, challenge_id, name):
    made, path, file, good = spoilt(submission, challenge_id, name)
    if name in {"twice", "three times"} and prediction_layouts(made.challenge)[0].header is None:
        pytest.skip("the copies are well-formed, and told when rows are compared")
    table = read_predictions(made.challenge, path)
    file.write_text(good)
    right = read_predictions(made.challenge, path)
    assert table.notes
    assert all(note.is_note for note in table.notes)
    if name in {"twice", "three times"} and not file.read_text()[:1].isalpha():
        return
    out = [made.folder / text for text in ("one", "other")]
    for prediction, place in zip((table, right), out, strict=True):
        write_predictions(made.challenge, prediction, made.template, place)
    if made.is_per_unit:
        assert {one.name: one.read_bytes() for one in out[0].iterdir()} == {
            one.name: one.read_bytes() for one in out[1].iterdir()
        }
    else:
        assert out[0].read_bytes() == out[1].read_bytes()


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_a_faultless_file_comes_out_as_it_went_in(submission, challenge_id):
    made = submission(challenge_id)
    path = made.write()
    for file in path.iterdir() if made.is_per_unit else [path]:
        settled = settle(file.read_bytes(), prediction_layouts(made.challenge), str(file), of_unit=made.is_per_unit)
        assert settled.to_bytes() == file.read_bytes()
        assert (settled.mended, settled.faults, settled.is_told) == ((), (), False)


def told(made):
    """What check finds in a submission: rule, line and count of each problem."""
    return [
        (problem.rule, problem.line, problem.count) for problem in check(made.challenge, made.write(), made.template)
    ]


def refused(made, rule):
    path = made.write()
    with pytest.raises(ProblemError, match=rule):
        repair(made.challenge, path, made.template, made.folder / "copy")
    assert not (made.folder / "copy").exists()
    return path


def test_a_unit_that_stands_twice_with_unlike_values_is_told_as_one_and_left_to_the_user(submission):
    made = submission("abaw3-va")
    made.one.extend([made.one[0], *["0.5,0.5"] * 4])
    assert told(made) == [("T03", 6, 4)]
    path = refused(made, "T03")
    with pytest.raises(ProblemError, match="T03"):
        read_predictions(made.challenge, path)


def test_videos_that_stand_twice_with_unlike_values_are_told_as_one(submission):
    made = submission("abaw10-va")
    made.one.extend(line.replace("0.1", "0.2") for line in made.one[1:5])
    ((rule, line, count),) = told(made)
    assert (rule, line, count) == ("T03", 9, 4)
    refused(made, "T03")


def test_a_file_of_one_unit_with_twice_the_rows_of_the_list_keeps_the_first_half(submission):
    made = submission("abaw3-va")
    good = list(made.one)
    counts = {name.removesuffix(".txt"): len(lines) - 1 for name, lines in made.lines.items()}
    made.listed = {"frames.txt": [f"{name},{count}" for name, count in counts.items()]}
    made.one.extend(good[1:])
    assert told(made) == [("T03", 6, 4)]
    repair(made.challenge, made.write(), made.template, made.folder / "copy")
    assert (made.folder / "copy" / "1-30-1280x720.txt").read_text().splitlines() == good


def test_rows_that_go_on_behind_a_header_are_one_unit_where_the_list_says_so(submission):
    made = submission("abaw3-va")
    good = list(made.one)
    counts = {name.removesuffix(".txt"): len(lines) - 1 for name, lines in made.lines.items()}
    made.listed = {"frames.txt": [f"{name},{count}" for name, count in counts.items()]}
    made.one.insert(3, good[0])
    assert told(made) == [("F16", 4, 1)]
    repair(made.challenge, made.write(), made.template, made.folder / "copy")
    assert (made.folder / "copy" / "1-30-1280x720.txt").read_text().splitlines() == good


def test_a_blank_line_in_a_file_of_one_unit_may_be_a_frame_and_stays(submission):
    made = submission("abaw3-va")
    made.one.insert(2, "")
    assert told(made) == [("F10", 3, 1)]
    refused(made, "F10")
    made.listed = {
        "frames.txt": ["1-30-1280x720,4", "5-60-1920x1080-2,3", "5-60-1920x1080-2_left,2"],
    }
    repair(made.challenge, made.write(), made.template, made.folder / "copy")
    assert (made.folder / "copy" / "1-30-1280x720.txt").read_text().count("\n") == 5


@pytest.mark.parametrize("dummy", ["0", ""])
def test_answers_behind_the_sample_take_its_place(submission, dummy):
    made = submission("abaw6-expr")
    good = list(made.one)
    made.one[1:1] = [f"{row.split(',')[0]},{dummy}" for row in good[1:]]
    assert told(made) == [("F17", 2, 7)]
    repair(made.challenge, made.write(), made.template, made.folder / "copy")
    assert (made.folder / "copy").read_text().splitlines() == good


def test_seven_classes_for_eight_are_named_and_refused(submission):
    made = submission("abaw6-expr")
    made.one[0] = made.one[0].removesuffix(",Other")
    (problem,) = check(made.challenge, made.write(), made.template)
    assert problem.found == "7 classes, without Other"
    with pytest.raises(ProblemError, match="without Other"):
        read_predictions(made.challenge, refused(made, "F04"))


def test_a_dump_of_truth_and_scores_is_told_as_what_it_seems_to_be(submission):
    made = submission("abaw6-expr")
    rows = [f"{row},{','.join(f'{place - 3.5:.1f}' for place in range(7))}" for row in made.one[1:]]
    made.one[:] = [",".join(map(str, range(9))), *rows]
    (problem,) = check(made.challenge, made.write(), made.template)
    assert (problem.rule, problem.count) == ("F06", 7)
    assert "perhaps classes" in problem.found
    assert "perhaps the scores of 7 classes" in problem.found


def test_row_numbers_that_may_be_values_stay(submission):
    made = submission("abaw3-va")
    made.one[1:] = ["0,0.1,0.2", "0.5,0.3,0.4", "1,0.5,0.6"]
    assert {rule for rule, _, _ in told(made)} == {"F06"}
    refused(made, "F06")


def test_commas_between_values_with_decimal_commas_cannot_be_told_apart(submission):
    made = submission("abaw3-va")
    made.one[1:] = [row.replace(".", ",") for row in made.one[1:]]
    assert {rule for rule, _, _ in told(made)} == {"F06"}
    refused(made, "F06")


def test_names_in_latin_1_are_those_of_the_list(submission):
    made = submission("abaw10-va")
    for lines in (*made.lines.values(), *made.listed.values()):
        lines[:] = [line.replace("2-30", "café") for line in lines]
    path = made.write()
    good = path.read_bytes()
    path.write_bytes(good.decode().encode("latin-1"))
    assert {problem.rule for problem in check(made.challenge, path, made.template)} == {"F03"}
    repair(made.challenge, path, made.template, made.folder / "copy")
    assert (made.folder / "copy").read_bytes() == good


def test_a_name_that_begins_as_a_comment_does_is_a_row(submission):
    made = submission("abaw10-va")
    for lines in (*made.lines.values(), *made.listed.values()):
        lines[1:] = [f"#{line}" if place % 2 else line for place, line in enumerate(lines[1:])]
    assert told(made) == []
    made.one[2] += ","
    assert told(made) == [("F08", 3, 1)]


FAULT_NAMES = sorted(set(FAULTS) - {"several at once"})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_two_faults_at_once_are_mended_to_the_good_bytes_or_refused(tmp_path, data):
    challenge_id = data.draw(st.sampled_from(CHALLENGES))
    made = good_submission(challenge_id, tmp_path)
    layout = prediction_layouts(made.challenge)[0]
    path = made.write()
    file = path / next(iter(made.lines)) if made.is_per_unit else path
    good = text = file.read_text()
    for name in data.draw(st.lists(st.sampled_from(FAULT_NAMES), min_size=2, max_size=2, unique=True)):
        if isinstance(text, str) and applies(name, layout):
            text = FAULTS[name][0](File(text, layout))
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    out = tmp_path / "copy"
    try:
        repair(made.challenge, path, made.template, out)
    except ProblemError:
        assert not out.exists()
    else:
        assert (out / file.name if made.is_per_unit else out).read_text() == good
        shutil.rmtree(out) if out.is_dir() else out.unlink()
