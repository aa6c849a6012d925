"""Each mend, what it says of itself, and that nothing is written where anything is left in doubt."""

from __future__ import annotations

import re

import pytest

from abawbench.base.problems import ProblemError
from abawbench.formats.check import check
from abawbench.formats.repair import repair


def on_rows(pattern, replacement):
    return lambda text: "\n".join(
        line if place == 0 else re.sub(pattern, replacement, line) for place, line in enumerate(text.split("\n"))
    )


def shift(text):
    return re.sub(r"\d+(?=\.jpg)", lambda hit: f"{int(hit[0]) - 1:05d}", text)


# challenge, what is done to the text of a good file, the rules that the mend names
MENDS = {
    "byte order mark": ("abaw5-va", lambda text: "\ufeff" + text, {"N02"}),
    "Windows line ends": ("abaw4-mtl", lambda text: text.replace("\n", "\r\n"), {"N01"}),
    "blank last lines": ("abaw11-ah", lambda text: text + "\n\n", {"N03"}),
    "trailing commas": ("abaw5-va", lambda text: text.replace("\n", ",\n"), {"F08"}),
    "blanks": ("abaw11-ah", lambda text: text.replace(",", ", "), {"N06"}),
    "quoted header": (
        "abaw6-expr",
        lambda text: text.replace("Neutral", '"Neutral').replace("Other", 'Other"'),
        {"F07"},
    ),
    "quoted names": ("abaw5-va", on_rows("^([^,]+)", r'"\1"'), {"F07"}),
    "header of a trial": ("abaw11-ah", lambda text: "video_id,p0,p1,label\n" + text, {"F11"}),
    "no header": ("abaw6-expr", lambda text: text.partition("\n")[2], {"F04"}),
    "float classes": ("abaw6-expr", on_rows(r",(\d)$", r",\1.0"), {"V05"}),
    "float action units": ("abaw10-au", on_rows(r",([01])", r",\1.0"), {"V05"}),
    "rounding above 1": ("abaw5-va", on_rows(r",0\.10", ",1.0000001"), {"V03"}),
    "rounding below 0": ("abaw8-emi", on_rows(r",0\.10", ",-1e-9"), {"V03"}),
    "sum off by a digit": ("abaw11-ah", lambda text: text.replace("0.73,0.27", "0.7334,0.2667"), {"V08"}),
    "sum off by a bit": (
        "abaw11-ah",
        lambda text: text.replace("0.73,0.27", "0.7300000190734863,0.27000001072883606"),
        {"V08"},
    ),
    "no last line feed": ("abaw4-mtl", lambda text: text[:-1], {"N10"}),
    "reversed": (
        "abaw4-mtl",
        lambda text: "\n".join([text.split("\n")[0], *text.split("\n")[-2:0:-1], ""]),
        {"T05"},
    ),
    "frames from 0": ("abaw4-mtl", shift, {"T06"}),
    "backslashes and a drive": ("abaw5-va", on_rows("^(.*)/", r"C:\\x\\\1\\"), {"T06"}),
    "ids without zeros": ("abaw8-emi", on_rows("^0+", ""), {"T06"}),
    "several at once": (
        "abaw7-ce",
        lambda text: "\ufeff" + on_rows(r",(\d)$", r", \1.0,")(shift(text)).replace("\n", "\r\n"),
        {"N01", "N02", "F08", "F09", "V05", "T06"},
    ),
}


@pytest.mark.parametrize("name", MENDS)
def test_a_mended_copy_is_accepted_and_says_what_was_done(submission, name):
    challenge_id, spoil, rules = MENDS[name]
    made = submission(challenge_id)
    path = made.write()
    good = path.read_text()
    path.write_text(spoil(good), newline="")
    out = made.folder / "copy.txt"
    done = repair(made.challenge, path, made.template, out)
    assert {part.rule for part in done} == rules
    assert check(made.challenge, out, made.template) == ()
    assert all(part.what and part.count >= 1 and part.file == str(path) for part in done)


@pytest.mark.parametrize(
    "name", [name for name, (_, _, rules) in MENDS.items() if not rules & {"V03", "V08", "T05"} and name != "blanks"]
)
def test_a_mend_gives_the_good_file_again(submission, name):
    challenge_id, spoil, _ = MENDS[name]
    made = submission(challenge_id)
    path = made.write()
    good = path.read_text()
    path.write_text(spoil(good), newline="")
    repair(made.challenge, path, made.template, made.folder / "copy.txt")
    assert (made.folder / "copy.txt").read_text() == good


def test_probabilities_keep_p1_and_the_label(submission):
    made = submission("abaw11-ah")
    made.one[0] = made.one[0].replace("0.73,0.27,0", "0.7334,0.2667,1")
    out = made.folder / "copy.txt"
    repair(made.challenge, made.write(), made.template, out)
    assert out.read_text().split("\n")[0].endswith(",0.7333,0.2667,1")


def test_rows_in_another_order_take_their_values_along(submission):
    made = submission("abaw8-emi")
    good = list(made.one)
    made.one[1:] = made.one[:0:-1]
    out = made.folder / "copy.csv"
    repair(made.challenge, made.write(), made.template, out)
    assert out.read_text() == "\n".join([*good, ""])


REFUSED = {
    "missing row": ("abaw4-mtl", lambda text: text[: text[:-1].rindex("\n") + 1], "T01"),
    "lost repetition": ("abaw4-mtl", on_rows("^2-30/00008.*$", ""), "T01"),
    "NaN": ("abaw5-va", lambda text: text.replace("0.11", "nan"), "V01"),
    "out of range": ("abaw5-va", lambda text: text.replace("0.11", "1.01"), "V03"),
    "sentinel": ("abaw6-expr", on_rows(",2$", ",-1"), "V04"),
    "class 4.5": ("abaw6-expr", on_rows(",2$", ",4.5"), "V05"),
    "unbinarised": ("abaw10-au", on_rows(",1$", ",0.7"), "V07"),
    "sum 1.1": ("abaw11-ah", lambda text: text.replace("0.73,0.27", "0.8,0.3"), "V08"),
    "surplus row": ("abaw5-va", lambda text: text + "9/00001.jpg,0,0\n", "T02"),
    "cut off": ("abaw5-va", lambda text: text[:-14], "F05"),
    "another header": ("abaw5-va", lambda text: text.replace("valence,arousal", "arousal,valence"), "F04"),
    "Latin-1": ("abaw5-va", lambda text: text.replace("14-30", "é"), "T06"),
    "empty": ("abaw5-va", lambda text: "", "F02"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_in_doubt_is_named_and_nothing_is_written(submission, name):
    challenge_id, spoil, rule = REFUSED[name]
    made = submission(challenge_id)
    path = made.write()
    path.write_text(spoil(path.read_text()))
    before = sorted(made.folder.rglob("*"))
    with pytest.raises(ProblemError) as caught:
        repair(made.challenge, path, made.template, made.folder / "copy.txt")
    assert rule in {problem.rule for problem in caught.value.problems}
    assert sorted(made.folder.rglob("*")) == before


def test_a_folder_of_units_is_mended_file_by_file(submission):
    made = submission("abaw3-va")
    path = made.write()
    file = path / "1-30-1280x720.txt"
    file.write_text(file.read_text().replace("\n", ",\r\n"), newline="")
    out = made.folder / "copy"
    assert {part.rule for part in repair(made.challenge, path, made.template, out)} == {"F08", "N01"}
    assert check(made.challenge, out, made.template) == ()
    (path / "1-30-1280x720.txt").unlink()
    with pytest.raises(ProblemError, match="T08"):
        repair(made.challenge, path, made.template, made.folder / "another")
    assert not (made.folder / "another").exists()


def test_a_folder_that_is_there_is_left_alone(submission):
    made = submission("abaw3-va")
    path = made.write()
    with pytest.raises(ProblemError, match="F12"):
        repair(made.challenge, path, made.template, path)
    assert check(made.challenge, path, made.template) == ()


def test_a_violence_header_is_that_of_the_template(submission):
    made = submission("abaw10-vd")
    made.lines["0008.csv"][0] = "Frame_Number, Label"
    out = made.folder / "copy"
    repair(made.challenge, made.write(), made.template, out)
    assert (out / "0008.csv").read_text().startswith("Frame_Number,Label\n")
