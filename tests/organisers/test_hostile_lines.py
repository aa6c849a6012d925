"""Lines that make a pattern try again and again: a line of any length is read in time that grows with its length."""

from __future__ import annotations

import struct
import zipfile

import pytest

from abawbench.challenges import CHALLENGES
from abawbench.formats.check import check_listed
from abawbench.formats.lines import BLANK_SEPARATED
from abawbench.formats.lists import read_list
from abawbench.formats.names import match_units
from abawbench.organisers.samples import sample, write
from tests.organisers.frozen.scorers import scorer

# what takes its square of steps takes hours at this length
LENGTH = 400_000
# a beginning, what is repeated, and an end that lets the whole fail
TEXTS = {
    "digits": ("", "1", "x"),
    "digits behind a point": ("1.", "1", "x"),
    "names with points": ("", "a.", ""),
    "points": ("a", ".", "x"),
    "file endings": ("", ".jpg", ""),
    "opened calls": ("", "tensor(1,size=a(", ""),
    "opened marks": ("[", ",dtype=<", ""),
    "blanks": ("a", " ", "x"),
    "numbers and blanks": ("a", " 1", " x"),
    "commas": ("", ",", ""),
    "slashes": ("", "a/", "00001.jpg"),
    "brackets": ("", "[(", ""),
}


def text_of(name: str) -> str:
    begin, again, end = TEXTS[name]
    return begin + again * (LENGTH // len(again)) + end


@pytest.mark.parametrize("identifier", ["abaw10-va", "abaw11-ah", "abaw11-mtl"])
@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("place", ["line", "first field", "last field"])
def test_a_long_line_is_told_by_check_and_by_the_frozen_scorer(name, place, identifier, tmp_path):
    challenge = CHALLENGES[identifier]
    made = sample(challenge)
    files = dict(made.prediction)
    file = next(iter(files))
    lines = files[file].decode().split("\n")
    fields = lines[3].split(",")
    text = text_of(name)
    lines[3] = {"line": text, "first field": ",".join([text, *fields[1:]])}.get(place, ",".join([*fields[:-1], text]))
    files[file] = "\n".join(lines).encode()
    template, prediction = write(made.template, tmp_path / "list"), write(files, tmp_path / "prediction")
    truth = write(made.truth, tmp_path / "truth")
    assert not scorer(identifier).evaluate(str(truth), str(prediction), str(template))["ok"]
    told = check_listed(challenge, prediction, read_list(challenge, template))
    assert any(not problem.is_note for problem in told)


@pytest.mark.parametrize("name", TEXTS)
def test_many_lines_without_commas_are_looked_at_once(name):
    BLANK_SEPARATED.fullmatch(text_of(name))


@pytest.mark.parametrize("name", TEXTS)
def test_a_long_name_is_compared_with_those_of_the_list(name):
    units, _ = match_units([text_of(name)], ["video1", "video2"])
    assert units.tolist() == [-1]


def test_thousands_of_files_with_long_names_are_compared_with_the_list(tmp_path):
    made = sample(CHALLENGES["abaw3-va"])
    template, truth = write(made.template, tmp_path / "list"), write(made.truth, tmp_path / "truth")
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as archive:
        for number in range(300):
            archive.writestr(f"{number}{'.mp4' * 10_000}.txt", b"valence,arousal\n0,0\n")
    found = scorer("abaw3-va").evaluate(str(truth), str(tmp_path / "sent.zip"), str(template), private=True)
    assert {"T08", "T09"} <= {problem["rule"] for problem in found["problems"]}


def endless_list(members: int) -> bytes:
    """A zip whose list has so many members, none of which is there, as ZIP64 counts them."""
    first = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
    listed = b"".join(entry + b"%08d" % number for number in range(members))
    end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, members, members, len(listed), len(first))
    place = struct.pack("<4sIQI", b"PK\6\7", 0, len(first) + len(listed), 1)
    last = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, 4294967295, 4294967295, 0)
    return first + listed + end + place + last


def test_a_list_of_half_a_million_members_is_not_read(tmp_path):
    made = sample(CHALLENGES["abaw11-ah"])
    template, truth = write(made.template, tmp_path / "list"), write(made.truth, tmp_path / "truth")
    sent = tmp_path / "sent.zip"
    sent.write_bytes(endless_list(500_000))
    found = scorer("abaw11-ah").evaluate(str(truth), str(sent), str(template), private=True)
    (told,) = check_listed(CHALLENGES["abaw11-ah"], sent, read_list(CHALLENGES["abaw11-ah"], template))
    assert [problem["rule"] for problem in found["problems"]] == [told.rule] == ["Z04"]
    assert "27,000,000 bytes" in told.found
