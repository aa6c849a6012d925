"""A mutation test: every fault, planted in a good file, is called by its own rule id and by no other."""

from __future__ import annotations

import re
import stat
import warnings
import zipfile

import numpy as np
import pytest

from abawbench.base.rules import RULES
from abawbench.challenges import CHALLENGES
from abawbench.formats import archive
from abawbench.formats.check import check, is_accepted

ONE_FILE = ["abaw4-mtl", "abaw5-va", "abaw6-expr", "abaw10-au", "abaw7-ce", "abaw4-lsd", "abaw8-emi", "abaw11-ah"]


def rules(problems):
    return {problem.rule for problem in problems}


def fields(line):
    return line.split(",")


def with_field(place, text):
    """A fault that writes `text` into one field of the third line."""

    def fault(lines):
        row = fields(lines[2])
        row[place] = text
        lines[2] = ",".join(row)

    return fault


def on_names(pattern, replacement):
    """A fault that rewrites the names of all rows."""

    def fault(lines):
        lines[1:] = [re.sub(pattern, replacement, line) for line in lines[1:]]

    return fault


def shift_frames(step):
    def fault(lines):
        for place, line in enumerate(lines):
            lines[place] = re.sub(r"\d+(?=\.jpg)", lambda hit: f"{int(hit[0]) + step:0{len(hit[0])}d}", line)

    return fault


def replace_line(place, text):
    def fault(lines):
        lines[place] = text

    return fault


def edit_line(place, change):
    def fault(lines):
        lines[place] = change(lines[place])

    return fault


def everywhere(text, other):
    def fault(lines):
        lines[:] = [line.replace(text, other) for line in lines]

    return fault


def swap(first, second):
    def fault(lines):
        lines[first], lines[second] = lines[second], lines[first]

    return fault


EXPR_QUOTED = 'image_location,"Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"'
VA_HEADER = "image_location,valence,arousal"

# challenge, what is done to the lines of its file, the rule that must be named
LINE_FAULTS = {
    "no rows": ("abaw5-va", lambda lines: lines.__delitem__(slice(1, None)), "F02"),
    "header of another challenge": ("abaw6-expr", replace_line(0, VA_HEADER), "F04"),
    "no header": ("abaw4-lsd", lambda lines: lines.pop(0), "F04"),
    "header in other case": ("abaw4-mtl", edit_line(0, str.upper), "F04"),
    "header of a unit file": ("abaw3-expr", replace_line(0, "neutral,anger"), "F04"),
    "no header in a unit file": ("abaw3-va", lambda lines: lines.pop(0), "F04"),
    "another template header": (
        "abaw10-vd",
        replace_line(0, "Frame_Number,Predicted_Label"),
        "F04",
    ),
    "15 fields": ("abaw4-mtl", edit_line(3, lambda line: line.rpartition(",")[0]), "F06"),
    "17 fields": ("abaw4-mtl", edit_line(3, lambda line: f"{line},0"), "F06"),
    "one hot classes": ("abaw6-expr", edit_line(2, lambda line: f"{line},0,0,0,0,0,0,0"), "F06"),
    "semicolons": ("abaw3-va", edit_line(2, lambda line: line.replace(",", ";")), "F06"),
    "surplus emotion": ("abaw8-emi", edit_line(1, lambda line: f"{line},0.1"), "F06"),
    "quoted class list": ("abaw6-expr", replace_line(0, EXPR_QUOTED), "F07"),
    "quoted names": ("abaw5-va", on_names(r"^([^,]*)", r'"\1"'), "F07"),
    "trailing comma in the header": ("abaw3-va", edit_line(0, lambda line: f"{line},"), "F08"),
    "trailing commas": ("abaw5-va", on_names("$", ","), "F08"),
    "trailing blank": ("abaw4-mtl", edit_line(2, lambda line: f"{line} "), "F08"),
    "blank after a comma": ("abaw8-ah", edit_line(1, lambda line: line.replace(",", ", ")), "F09"),
    "blank in the header": ("abaw5-va", replace_line(0, VA_HEADER.replace(",", ", ")), "F09"),
    "blank in a unit file": ("abaw3-au", edit_line(1, lambda line: line.replace(",", ", ")), "F09"),
    "blank line": ("abaw4-mtl", lambda lines: lines.insert(2, ""), "F10"),
    "blank line in a unit file": ("abaw3-expr", lambda lines: lines.insert(2, ""), "F10"),
    "header of a trial": ("abaw11-ah", lambda lines: lines.insert(0, "video_id,p0,p1,label"), "F11"),
    "header of a frame trial": ("abaw8-ah", lambda lines: lines.insert(0, "path,label"), "F11"),
    "semicolons everywhere": ("abaw3-va", everywhere(",", ";"), "F13"),
    "tabs": ("abaw6-expr", everywhere(",", "\t"), "F13"),
    "an index": (
        "abaw4-mtl",
        lambda lines: lines.__setitem__(
            slice(None), [f"{'' if row == 0 else row - 1},{line}" for row, line in enumerate(lines)]
        ),
        "F14",
    ),
    "comment": ("abaw8-emi", lambda lines: lines.insert(0, "# model 3"), "F15"),
    "header again": ("abaw5-va", lambda lines: lines.insert(4, lines[0]), "F16"),
    "answers behind the sample": (
        "abaw6-expr",
        lambda lines: lines.__setitem__(slice(1, 1), [f"{fields(line)[0]},0" for line in lines[1:]]),
        "F17",
    ),
    "printed tensor": ("abaw10-au", with_field(3, "tensor(1)"), "F18"),
    "NaN": ("abaw5-va", with_field(1, "nan"), "V01"),
    "empty value": ("abaw4-mtl", with_field(1, ""), "V01"),
    "the list itself": ("abaw7-ce", on_names(",.*", ","), "V01"),
    "class name": ("abaw6-expr", with_field(1, "Happiness"), "V01"),
    "NaN class": ("abaw4-lsd", with_field(1, "nan"), "V01"),
    "NaN in a unit file": ("abaw3-va", edit_line(1, lambda line: "NaN," + fields(line)[1]), "V01"),
    "infinite": ("abaw4-mtl", with_field(2, "-inf"), "V02"),
    "too large for a double": ("abaw8-emi", with_field(2, "1e999"), "V02"),
    "valence above 1": ("abaw5-va", with_field(1, "1.02"), "V03"),
    "emotion below 0": ("abaw8-emi", with_field(3, "-0.001"), "V03"),
    "arousal in a unit file": ("abaw3-va", replace_line(1, "0.1,-1.5"), "V03"),
    "valence -5": ("abaw5-va", with_field(1, "-5"), "V04"),
    "valence -5.0": ("abaw4-mtl", with_field(1, "-5.0"), "V04"),
    "expression -1": ("abaw4-mtl", with_field(3, "-1"), "V04"),
    "action unit -1": ("abaw10-au", with_field(4, "-1"), "V04"),
    "expression -1 in a unit file": ("abaw3-expr", replace_line(1, "-1"), "V04"),
    "class 4.0": ("abaw6-expr", with_field(1, "4.0"), "V05"),
    "class 4.5": ("abaw7-ce", with_field(1, "4.5"), "V05"),
    "action unit 1.0": ("abaw4-mtl", with_field(5, "1.0"), "V05"),
    "class 8 of 8": ("abaw6-expr", with_field(1, "8"), "V06"),
    "class 6 of 6": ("abaw4-lsd", with_field(1, "6"), "V06"),
    "class 7 of 7": ("abaw7-ce", with_field(1, "7"), "V06"),
    "class in hexadecimal": ("abaw6-expr", with_field(1, "0x1"), "V01"),
    "action unit 0.7": ("abaw10-au", with_field(3, "0.7"), "V07"),
    "action unit 2": ("abaw4-mtl", with_field(7, "2"), "V07"),
    "ambivalence 2": ("abaw11-ah", with_field(3, "2"), "V06"),
    "violence 2": ("abaw10-vd", edit_line(1, lambda _: "1,2"), "V06"),
    "sum 1.0001": ("abaw11-ah", edit_line(1, lambda line: f"{fields(line)[0]},0.7334,0.2667,0"), "V08"),
    "sum 1 + 2e-16": (
        "abaw10-ah",
        edit_line(0, lambda line: f"{fields(line)[0]},0.7000000000000002,0.3,0"),
        "V08",
    ),
    "last row missing": ("abaw4-mtl", lambda lines: lines.pop(), "T01"),
    "row missing inside": ("abaw6-expr", lambda lines: lines.pop(3), "T01"),
    "video missing": ("abaw8-emi", lambda lines: lines.pop(2), "T01"),
    "frame missing": ("abaw10-vd", lambda lines: lines.pop(), "T01"),
    "surplus row": ("abaw5-va", lambda lines: lines.append("15-24/00001.jpg,0.1,0.1"), "T02"),
    "surplus video": ("abaw11-ah", lambda lines: lines.append("Videos/1/V/x.mp4,0.5,0.5,0"), "T02"),
    "surplus frame": ("abaw10-vd", lambda lines: lines.append("4,0"), "T02"),
    "row twice": ("abaw10-au", lambda lines: lines.insert(2, lines[2]), "T03"),
    "image twice": ("abaw4-lsd", lambda lines: lines.append(lines[-1]), "T03"),
    "once for each name": ("abaw4-mtl", lambda lines: lines.pop(3), "T04"),
    "lexicographic order": ("abaw4-lsd", lambda lines: lines.__setitem__(slice(1, None), sorted(lines[1:])), "T05"),
    "two rows swapped": ("abaw5-va", swap(1, 5), "T05"),
    "trial reordered": ("abaw11-ah", swap(0, 2), "T05"),
    "frames swapped": ("abaw10-vd", swap(1, 2), "T05"),
    "frames from 0": ("abaw6-expr", shift_frames(-1), "T06"),
    "list frames from 0": ("abaw4-mtl", shift_frames(-1), "T06"),
    "AH frames from 1": ("abaw8-ah", shift_frames(1), "T06"),
    "six digits": ("abaw5-va", on_names(r"/(\d{5})", r"/0\1"), "T06"),
    "no padding": ("abaw10-au", on_names(r"/0+", "/"), "T06"),
    "backslashes": ("abaw4-mtl", on_names("/", r"\\"), "T06"),
    "png": ("abaw7-ce", on_names("jpg", "png"), "T06"),
    "absolute": ("abaw5-va", on_names("^", "/data/cropped_aligned/"), "T06"),
    "drive and backslashes": ("abaw5-va", on_names("^(.*)/", r"C:\\aligned\\\1\\"), "T06"),
    "no Videos/": ("abaw11-ah", lambda lines: lines.__setitem__(slice(None), [line[7:] for line in lines]), "T06"),
    "ids without zeros": ("abaw8-emi", on_names("^0+", ""), "T06"),
    "ids as floats": ("abaw5-eri", on_names("^0*([0-9]+)", r"\1.0"), "T06"),
    "no name legible": ("abaw5-va", on_names("^.*/0*", ""), "T06"),
    "no name with a frame": ("abaw5-va", on_names("^([^/]*)/0*([0-9]+).jpg", r"\1_\2"), "T06"),
    "one name wrong": ("abaw5-va", edit_line(3, lambda line: f"x{line}"), "T06"),
}


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_a_good_submission_has_no_problem(submission, challenge_id):
    made = submission(challenge_id)
    path = made.write()
    assert check(made.challenge, path, made.template) == ()
    assert check(made.challenge, path) == ()


@pytest.mark.parametrize("name", LINE_FAULTS)
def test_a_fault_in_the_lines_has_its_own_rule(submission, name):
    challenge_id, fault, rule = LINE_FAULTS[name]
    made = submission(challenge_id)
    fault(made.one)
    path = made.write()
    found = check(made.challenge, path, made.template)
    assert rules(found) == {rule}
    assert not is_accepted(found)


BYTE_FAULTS = {
    "empty file": (lambda data: b"", "F02"),
    "white space alone": (lambda data: b"\n \n", "F02"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "F03"),
    "NUL byte": (lambda data: data.replace(b"0.1", b"0\x00", 1) if b"0.1" in data else data[:-1] + b"\x00\n", "F03"),
    "Latin-1": (lambda data: data[:-1] + b"\xe9\n", "F03"),
    "old Mac line ends": (lambda data: data.replace(b"\n", b"\r"), "F03"),
}


@pytest.mark.parametrize("challenge_id", ONE_FILE)
@pytest.mark.parametrize("name", BYTE_FAULTS)
def test_a_fault_in_the_bytes_has_its_own_rule(submission, name, challenge_id):
    change, rule = BYTE_FAULTS[name]
    made = submission(challenge_id)
    path = made.write()
    path.write_bytes(change(path.read_bytes()))
    assert rules(check(made.challenge, path, made.template)) == {rule}


@pytest.mark.parametrize("challenge_id", ["abaw4-mtl", "abaw5-va", "abaw8-emi"])
def test_a_last_row_cut_off_is_named_and_its_row_is_missing(submission, challenge_id):
    made = submission(challenge_id)
    path = made.write()
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\n", 0, -1) + 4])
    assert rules(check(made.challenge, path, made.template)) == {"F05", "T01"}


@pytest.mark.parametrize("challenge_id", ONE_FILE)
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda data: b"\xef\xbb\xbf" + data, "N02"),
        (lambda data: data.replace(b"\n", b"\r\n"), "N01"),
        (lambda data: data + b"\n\n", "N03"),
        (lambda data: data[:-1], "N10"),
    ],
    ids=["byte order mark", "Windows line ends", "blank last line", "no line feed at the end"],
)
def test_what_is_tolerated_is_reported(submission, change, rule, challenge_id):
    made = submission(challenge_id)
    path = made.write()
    path.write_bytes(change(path.read_bytes()))
    found = check(made.challenge, path, made.template)
    assert rules(found) == {rule}
    assert is_accepted(found)


@pytest.mark.parametrize("width", [4, 2])
@pytest.mark.parametrize("form", ["{} ", " {}", " {} "])
def test_a_blank_beside_a_value_that_the_organisers_reader_accepts_is_a_note(submission, form, width):
    made = submission("abaw11-ah")
    for place, line in enumerate(made.one):
        name, *values = fields(line)
        values = values[1 - width :]
        made.one[place] = ",".join([name, *(map(form.format, values) if place == 1 else values)])
    found = check(made.challenge, made.write(), made.template)
    assert rules(found) == {"N06"}
    assert {problem.line for problem in found} == {2}


def test_a_blank_behind_a_name_is_another_name(submission):
    made = submission("abaw11-ah")
    edit_line(1, lambda line: line.replace(",", " ,", 1))(made.one)
    found = check(made.challenge, made.write(), made.template)
    assert "F09" in rules(found)
    assert not is_accepted(found)


def test_a_path_that_does_not_exist_is_named(submission):
    made = submission("abaw5-va")
    path = made.write()
    assert rules(check(made.challenge, path.parent / "elsewhere.txt", made.template)) == {"F01"}
    assert rules(check(made.challenge, path, made.folder / "elsewhere.txt")) == {"F01"}


def test_names_with_a_blank_are_right_where_the_list_has_the_blank_and_may_be_where_there_is_no_list(submission):
    made = submission("abaw11-ah")
    for files in (made.lines, made.listed):
        for lines in files.values():
            lines[1] = lines[1].replace("01_09", "01 09")
    path = made.write()
    assert check(made.challenge, path, made.template) == ()
    assert check(made.challenge, path) == ()
    made.listed[next(iter(made.listed))][1] = "another,0.5,0.5,0\n"
    made.write()
    assert "F09" in rules(check(made.challenge, path, made.template))


# lists as the organisers wrote them in other editions: the same rows
LISTS = {
    "trailing commas": ("abaw7-mtl", lambda lines: lines.__setitem__(slice(1, None), [f"{x}," for x in lines[1:]])),
    "dummy values": ("abaw6-expr", lambda lines: lines.__setitem__(slice(1, None), [f"{x},0" for x in lines[1:]])),
    "two dummy values": (
        "abaw6-va",
        lambda lines: lines.__setitem__(slice(1, None), [f"{x},0.5,-0.5" for x in lines[1:]]),
    ),
    "trailing comma in the header": ("abaw5-va", lambda lines: lines.__setitem__(0, f"{lines[0]},")),
    "split file": (
        "abaw11-ah",
        lambda lines: lines.__setitem__(
            slice(None), [f"{x.split(',')[0]},0,Well, I get up, and then{i * ', eat'}." for i, x in enumerate(lines)]
        ),
    ),
    "trial without probabilities": (
        "abaw10-ah",
        lambda lines: lines.__setitem__(slice(None), [f"{x.split(',')[0]},1" for x in lines]),
    ),
    "a table of all splits": (
        "abaw5-eri",
        lambda lines: lines.__setitem__(
            slice(None), ["Split,File_ID,Extra", *(f"Test,{x},1" for x in lines[1:]), "Train,00001,1"]
        ),
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_other_editions_ask_for_the_same_rows(submission, name):
    challenge_id, change = LISTS[name]
    made = submission(challenge_id)
    change(next(iter(made.listed.values())))
    path = made.write()
    assert check(made.challenge, path, made.template) == ()
    if not made.is_per_unit:
        made.one.pop()
        assert rules(check(made.challenge, made.write(), made.template)) == {"T01"}


def test_the_list_of_another_challenge_is_named(submission):
    made = submission("abaw6-expr")
    next(iter(made.listed.values()))[0] = VA_HEADER
    (problem,) = check(made.challenge, made.write(), made.template)
    assert problem.rule == "F04"
    assert "abaw6-va" in problem.found
    assert problem.file == str(made.template)


def test_both_counts_and_the_first_missing_row_are_given(submission):
    made = submission("abaw6-expr")
    del made.one[4:]
    problems = check(made.challenge, made.write(), made.template)
    assert [problem.count for problem in problems] == [4, 4, 4]
    assert "3 rows" in problems[0].found
    assert "2-30-640x360/00004.jpg" in problems[0].found
    assert "7 rows" in problems[0].expected


def test_the_first_differing_line_is_given(submission):
    made = submission("abaw5-va")
    swap(2, 3)(made.one)
    first, _ = check(made.challenge, made.write(), made.template)
    assert (first.line, first.found, first.expected, first.count) == (
        3,
        "'2-30-640x360/00003.jpg'",
        "'2-30-640x360/00002.jpg'",
        2,
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("frames from 0", "count from 1"),
        ("six digits", "5 digits"),
        ("backslashes", "forward slashes"),
        ("png", "'.jpg'"),
        ("absolute", "begin names as the list does"),
        ("ids without zeros", "zeros in front"),
        ("AH frames from 1", "count from 0"),
    ],
)
def test_the_one_cause_of_wrong_names_is_in_the_fix(submission, name, advice):
    challenge_id, fault, _ = LINE_FAULTS[name]
    made = submission(challenge_id)
    fault(made.one)
    assert advice in check(made.challenge, made.write(), made.template)[0].fix


def test_a_previous_path_repeated_is_a_repetition_and_a_gap(submission):
    made = submission("abaw5-va")
    made.one[3] = ",".join([fields(made.one[2])[0], *fields(made.one[3])[1:]])
    assert rules(check(made.challenge, made.write(), made.template)) == {"T01", "T03"}


def test_all_problems_of_a_file_come_at_once(submission):
    made = submission("abaw4-mtl")
    with_field(1, "1.5")(made.one)
    with_field(3, "9")(made.one)
    made.one[5] += ","
    made.one.pop(1)
    assert rules(check(made.challenge, made.write(), made.template)) == {"V03", "V06", "F08", "T01"}


def test_without_a_list_names_that_no_list_has_are_found(submission):
    made = submission("abaw5-va")
    shift_frames(-1)(made.one)
    found = check(made.challenge, made.write())
    assert rules(found) == {"T06"}
    assert [problem.line for problem in found] == [2, 6]


def test_without_a_template_a_frame_number_is_a_number(submission):
    made = submission("abaw10-vd")
    made.one[2] = "two,0"
    assert rules(check(made.challenge, made.write())) == {"T06"}


# units


def test_a_missing_unit_and_a_surplus_one_are_named(submission):
    made = submission("abaw2-au")
    made.lines["7-60.txt"] = made.lines.pop("5-60-1920x1080-2.txt")
    found = check(made.challenge, made.write(), made.template)
    assert rules(found) == {"T08", "T09"}
    assert "5-60-1920x1080-2" in found[0].found


@pytest.mark.parametrize("difference", [-1, 2])
def test_a_unit_with_another_number_of_lines_than_counted_is_named(submission, difference):
    made = submission("abaw3-va")
    counts = {name: len(lines) - 1 for name, lines in made.lines.items()}
    made.listed = {"frames.txt": [f"{name.removesuffix('.txt')},{count}" for name, count in counts.items()]}
    assert check(made.challenge, made.write(), made.template) == ()
    made.lines["1-30-1280x720.txt"] = [made.one[0], *["0.1,0.2"] * (4 + difference)]
    found = check(made.challenge, made.write(), made.template)
    assert rules(found) == {"T07"}
    assert "4 or 5" in found[0].expected


def test_frame_counts_of_a_video_hold_for_each_person_in_it(submission):
    made = submission("abaw3-expr")
    made.lines.pop("5-60-1920x1080-2.txt")
    made.listed = {"frames.txt": ["1-30-1280x720,4", "5-60-1920x1080-2,2"]}
    assert check(made.challenge, made.write(), made.template) == ()
    made.lines["5-60-1920x1080-2_left.txt"].extend(["0"] * 9)
    assert rules(check(made.challenge, made.write(), made.template)) == {"T07"}


def test_a_folder_of_unit_files_is_a_list_with_exact_lengths(submission):
    made = submission("abaw1-va")
    made.listed = {name: list(lines) for name, lines in made.lines.items()}
    assert check(made.challenge, made.write(), made.template) == ()
    made.one.append("0.1,0.2")
    assert rules(check(made.challenge, made.write(), made.template)) == {"T07"}


def test_one_unit_file_alone_leaves_the_others_missing(submission):
    made = submission("abaw3-va")
    path = made.write() / "1-30-1280x720.txt"
    assert rules(check(made.challenge, path, made.template)) == {"T08"}
    assert check(made.challenge, path) == ()


# zips


def packed(made, members=None, **options):
    """A zip of the submission's files, or of the members given: name or ZipInfo to bytes."""
    path = made.write()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    content = {file.name: file.read_bytes() for file in files} | (members or {})
    target = made.folder / "submission.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, **options) as pack:
        for name, data in content.items():
            pack.writestr(name, data)
    return target


def info(name, mode=0o100644):
    entry = zipfile.ZipInfo(name)
    # set afterwards: ZipInfo itself mends names
    entry.filename = name
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry


def packed_by(method):
    entry = info("trial-1.txt")
    entry.compress_type = method
    return entry


ZIP_FAULTS = {
    "parent folder": (lambda: {info("../evil.txt"): b"x"}, "Z02"),
    "hidden parent folder": (lambda: {info("a/../../evil.txt"): b"x"}, "Z02"),
    "absolute path": (lambda: {info("/etc/evil.txt"): b"x"}, "Z02"),
    "drive letter": (lambda: {info("C:/evil.txt"): b"x"}, "Z02"),
    "backslashes": (lambda: {info("..\\evil.txt"): b"x"}, "Z02"),
    "symbolic link": (lambda: {info("trial-1.txt", stat.S_IFLNK | 0o777): b"/etc/passwd"}, "Z03"),
    "pipe": (lambda: {info("trial-1.txt", stat.S_IFIFO | 0o644): b""}, "Z03"),
    "zip by name": (lambda: {"inner.zip": b"PK\x03\x04"}, "Z05"),
    "zip by content": (lambda: {"inner.txt": b"PK\x03\x04 and so on"}, "Z05"),
    "gzip by content": (lambda: {"inner.csv": b"\x1f\x8b\x08 and so on"}, "Z05"),
    "no name": (lambda: {info(""): b"x"}, "Z02"),
    "blank name": (lambda: {info(" "): b"x"}, "Z02"),
    "bzip2": (lambda: {packed_by(zipfile.ZIP_BZIP2): b"0" * 10_000}, "Z01"),
    "LZMA": (lambda: {packed_by(zipfile.ZIP_LZMA): b"0" * 10_000}, "Z01"),
    "other file": (lambda: {"README.md": b"# about"}, "T09"),
}


@pytest.mark.parametrize("challenge_id", ["abaw5-va", "abaw11-ah"])
@pytest.mark.parametrize("name", ZIP_FAULTS)
def test_a_fault_of_the_zip_has_its_own_rule(submission, name, challenge_id):
    members, rule = ZIP_FAULTS[name]
    made = submission(challenge_id)
    assert rules(check(made.challenge, packed(made, members()), made.template)) == {rule}


@pytest.mark.parametrize("challenge_id", ["abaw4-mtl", "abaw11-ah", "abaw10-vd", "abaw3-expr"])
def test_a_good_zip_has_no_problem(submission, challenge_id):
    made = submission(challenge_id)
    assert check(made.challenge, packed(made), made.template) == ()


def test_units_may_lie_in_a_folder_for_each_trial(submission):
    made = submission("abaw10-vd")
    made.write()
    files = {f"trial-{k}/{path.name}": path.read_bytes() for k in (0, 1) for path in (made.folder / "mine").iterdir()}
    target = made.folder / "two.zip"
    with zipfile.ZipFile(target, "w") as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    assert rules(check(made.challenge, target, made.template)) == {"N20"}
    with zipfile.ZipFile(target, "w") as pack:
        for name, data in list(files.items())[:-1]:
            pack.writestr(name, data)
    assert rules(check(made.challenge, target, made.template)) == {"T08"}


def test_a_file_that_is_no_zip_is_named(submission):
    made = submission("abaw4-mtl")
    made.write()
    path = made.folder / "submission.zip"
    path.write_bytes(b"this is no zip")
    assert rules(check(made.challenge, path, made.template)) == {"Z01"}


def test_a_member_whose_checksum_is_wrong_is_named(submission):
    made = submission("abaw4-mtl")
    path = packed(made, {"trial-1.txt": b"0" * 40})
    data = bytearray(path.read_bytes())
    # the member's stream begins behind its local header: 30 bytes and its name
    begin = data.index(b"trial-1.txt") + len("trial-1.txt")
    data[begin] ^= 0xFF
    path.write_bytes(data)
    assert "Z01" in rules(check(made.challenge, path, made.template))


def test_a_bomb_is_stopped_by_what_comes_out_of_it(submission, monkeypatch):
    monkeypatch.setattr(archive, "UNSUSPECTED", 1 << 20)
    made = submission("abaw4-mtl")
    assert rules(check(made.challenge, packed(made, {"trial-1.txt": b"0" * (4 << 20)}), made.template)) == {"Z04"}


def test_a_bomb_that_lies_about_its_size_is_stopped(submission, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    made = submission("abaw4-mtl")
    path = packed(made, {"trial-1.txt": b"0" * (4 << 20)})
    # both headers claim 100 bytes
    size = (4 << 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    assert rules(check(made.challenge, path, made.template)) & {"Z01", "Z04"}


def test_an_archive_of_very_many_members_is_refused(submission, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    made = submission("abaw4-mtl")
    assert rules(check(made.challenge, packed(made, {f"{i}.txt": b"" for i in range(3)}), made.template)) == {"Z04"}


def test_six_trials_are_too_many(submission):
    made = submission("abaw11-ah")
    good = "".join(f"{line}\n" for line in made.one)
    five = packed(made, {f"trial-{i}.txt": good for i in range(1, 5)})
    assert rules(check(made.challenge, five, made.template)) == {"N20"}
    assert rules(check(made.challenge, packed(made, {f"trial-{i}.txt": good for i in range(1, 6)}), made.template)) == {
        "Z06"
    }


def test_a_name_twice_in_a_zip_is_named(submission):
    made = submission("abaw4-mtl")
    path = packed(made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as pack:
            pack.writestr("predictions.txt", b"again")
    assert rules(check(made.challenge, path, made.template)) == {"Z07"}


def test_a_zip_without_text_is_named(submission):
    made = submission("abaw4-mtl")
    made.write()
    path = made.folder / "empty.zip"
    zipfile.ZipFile(path, "w").close()
    assert rules(check(made.challenge, path, made.template)) == {"Z08"}


def test_a_folder_without_text_is_named(submission):
    made = submission("abaw3-va")
    made.write_list()
    (made.folder / "mine").mkdir()
    assert rules(check(made.challenge, made.folder / "mine", made.template)) == {"Z08"}


def test_every_rule_of_the_families_is_planted_here():
    planted = {rule for _, _, rule in LINE_FAULTS.values()} | {rule for _, rule in BYTE_FAULTS.values()}
    planted |= {rule for _, rule in ZIP_FAULTS.values()}
    # named in tests of their own above
    planted |= {"F01", "F05", "T07", "T08", "T09", "Z01", "Z04", "Z06", "Z07", "Z08"}
    # in test_parts.py and test_column_folders.py
    planted |= {"Z09", "Z10"}
    # faults of annotations, of scores, of outputs, of fill policies, of searches, and of names of files
    elsewhere = {"V09", "T10", "T11", "F12", "T12", "T13", "F19"}
    assert {rule for rule in RULES if rule[0] in "FVTZ"} - elsewhere == planted


def test_a_million_rows_in_order_need_no_look_at_each_line(submission, monkeypatch):
    from abawbench.formats import file_problems

    monkeypatch.setattr(file_problems, "settle", lambda *_, **__: pytest.fail("the slow path was taken"))
    made = submission("abaw10-expr")
    names = [f"video{row // 1000}/{row % 1000 + 1:05d}.jpg" for row in range(20_000)]
    made.lines = {"predictions.txt": [made.one[0], *(f"{name},{row % 8}" for row, name in enumerate(names))]}
    made.listed = {"list.txt": [made.one[0], *(f"{name}," for name in names)]}
    assert check(made.challenge, made.write(), made.template) == ()


def test_a_large_file_in_another_order_is_compared_by_occurrence(submission):
    made = submission("abaw4-mtl")
    generator = np.random.default_rng(0)
    names = [f"v{row // 50}/{row % 40 + 1:05d}.jpg" for row in range(5000)]
    row = made.one[1].partition(",")[2]
    made.listed = {"list.txt": [made.one[0], *names]}
    made.lines = {"predictions.txt": [made.one[0], *(f"{names[i]},{row}" for i in generator.permutation(5000))]}
    assert rules(check(made.challenge, made.write(), made.template)) == {"T05"}
