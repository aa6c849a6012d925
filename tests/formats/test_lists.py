"""Lists in the forms that organisers and participants have, and a template that is none."""

from __future__ import annotations

import zipfile

import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats.check import check
from abawbench.formats.lists import UnitList, read_list
from abawbench.formats.read import read_predictions
from abawbench.formats.write import write_predictions


@pytest.mark.parametrize("form", ["{unit}.txt", "{unit}.txt,", "{unit}", "{unit}\r"])
def test_a_list_of_files_is_a_list_of_units(submission, form):
    made = submission("abaw3-au")
    units = [name.removesuffix(".txt") for name in made.lines]
    made.listed = {"list.txt": [form.format(unit=unit) for unit in units]}
    assert check(made.challenge, made.write(), made.template) == ()
    written = write_predictions(
        made.challenge, read_predictions(made.challenge, made.folder / "mine"), made.template, made.folder / "out"
    )
    assert sorted(path.name for path in written.path.iterdir()) == sorted(made.lines)


def test_a_list_of_files_with_frame_counts_is_a_list_of_units(submission):
    made = submission("abaw3-au")
    made.listed = {"list.txt": [f"{name},{len(lines) - 1}" for name, lines in made.lines.items()]}
    wanted = read_list(made.challenge, made.write_list())
    assert isinstance(wanted, UnitList)
    assert list(wanted.units) == [name.removesuffix(".txt") for name in made.lines]


ROWS, UNITS = ["2-30/00001.jpg,", "2-30/00002.jpg,"], ["2-30-640x360", "6-30-1920x1080_left"]


@pytest.mark.parametrize(
    ("challenge", "lines"),
    [
        ("abaw6-expr", UNITS),
        ("abaw7-mtl", UNITS),
        ("abaw8-ah", ROWS),
        ("abaw3-au", ROWS),
        ("abaw2-va", ["image_location,valence,arousal", *ROWS]),
        ("abaw11-ah", ["2-30/00001.jpg,0.5,0.5,0"]),
    ],
)
def test_the_list_of_another_kind_of_challenge_is_blamed_itself(submission, challenge, lines):
    made = submission(challenge)
    path = made.write()
    prediction = read_predictions(made.challenge, path)
    wrong = made.folder / "wrong.txt"
    wrong.write_text("".join(f"{line}\n" for line in lines))
    (problem,) = check(made.challenge, path, wrong)
    assert (problem.rule, problem.file) == ("F04", str(wrong))
    with pytest.raises(ProblemError) as caught:
        write_predictions(made.challenge, prediction, wrong, made.folder / "out", "prior", 1)
    assert {(problem.rule, problem.file) for problem in caught.value.problems} == {("F04", str(wrong))}


def test_a_zip_and_the_prediction_itself_are_no_list(submission):
    made = submission("abaw6-expr")
    path = made.write()
    packed = made.folder / "list.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(made.template)
    for template, words in ((packed, "a zip"), (path, "the prediction itself")):
        (problem,) = check(made.challenge, path, template)
        assert (problem.rule, problem.found, problem.file) == ("F04", words, str(template))


def test_an_empty_list_is_blamed_itself(tmp_path):
    template = tmp_path / "list.txt"
    template.write_text("\n")
    with pytest.raises(ProblemError, match="F02"):
        read_list(get("abaw3-au"), template)
