"""Faults of a whole text file: told as one, read as what is meant, and mended to the very bytes of the good file."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.formats import read_predictions
from abawbench.formats.check import check
from abawbench.formats.layout import prediction_layouts
from abawbench.formats.repair import repair
from abawbench.formats.settle import settle
from abawbench.formats.write import write_predictions

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
    pytest.param(challenge_id, name, id=f"{challenge_id}-{name}") for challenge_id in CHALLENGES for name in FAULTS
]


def spoilt(submission, challenge_id, name):
    """A submission, its path after a fault in its first file, that file, and its good bytes."""
    made = submission(challenge_id)
    layout = prediction_layouts(made.challenge)[0]
    if not applies(name, layout):
        pytest.skip("no such fault in this format")
    path = made.write()
    file = path / next(iter(made.lines)) if made.is_per_unit else path
    good = file.read_text()
    bad = FAULTS[name][0](File(good, layout))
    if bad == good:
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
