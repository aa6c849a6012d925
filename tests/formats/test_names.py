"""Names that are spelt otherwise: which name of the list they mean, and what is said about them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from abawbench.formats.names import (
    differing,
    frame_step,
    irregular_note,
    legible_names,
    match_units,
    read_names,
    rename,
    renumbered_units,
    respelt,
    step_cause,
    tail_causes,
)
from abawbench.table import NO_FRAME

# a name, the list, and what to do about the name
SPELLINGS = [
    (" a", ["a"], ["remove the blanks around names"]),
    ("a\\b", ["a/b"], ["use forward slashes"]),
    ("a//b", ["a/b"], ["write slashes as in 'a/b'"]),
    ("a/b/", ["a/b"], ["write slashes as in 'a/b'"]),
    ("./a/b", ["a/b"], ["begin names as the list does, 'a/b'"]),
    ("a.mp4", ["a"], ["leave out the file ending"]),
    ("a.mp4.csv", ["a"], ["leave out the file ending"]),
    ("a", ["a.mp4"], ["end names with '.mp4'"]),
    ("7.0", ["7", "8"], ["keep names as text, as '7'"]),
    ("x/3.00", ["x/3"], ["keep names as text, as 'x/3'"]),
    ("8", ["00007", "00008"], ["write numbers with 5 digits, zeros in front, as '00007'"]),
    ("008", ["7", "8"], ["leave out zeros in front, as '7'"]),
    ("7", ["07"], ["write numbers with 2 digits, zeros in front, as '07'"]),
    (
        "x/7",
        ["x/007.mp4"],
        ["end names with '.mp4'", "write numbers with 3 digits, zeros in front, as 'x/007.mp4'"],
    ),
    ("00", ["0"], ["leave out zeros in front, as '0'"]),
    ("a b", ["a_b"], ["write '_' for blanks"]),
    ("a_b", ["a b"], ["write blanks where the list has them"]),
    ("x y/a", ["x_y/a"], ["write '_' for blanks"]),
    ("x/y/a", ["a"], ["begin names as the list does, 'a'"]),
    ("a", ["z/b", "x/y/a"], ["begin names with 'x/y/', as 'z/b'"]),
    ("y/a", ["x/y/a"], ["begin names with 'x/', as 'x/y/a'"]),
    (
        "C:\\a\\7.0.MP4",
        ["00006", "00007"],
        [
            "begin names as the list does, '00006'",
            "use forward slashes",
            "leave out the file ending",
            "keep names as text, as '00006'",
            "write numbers with 5 digits, zeros in front, as '00006'",
        ],
    ),
]


@pytest.mark.parametrize(("name", "wanted", "causes"), SPELLINGS)
def test_each_spelling_is_read_as_a_name_of_the_list_and_has_advice_of_its_own(name, wanted, causes):
    unit, found = match_units([name], wanted)
    assert unit.dtype == np.int32
    assert unit.tolist() == [len(wanted) - 1 if wanted[-1] != "8" or "8" in name else 0]
    assert sorted(found) == sorted(causes)


def test_what_is_right_needs_no_advice_and_advice_is_given_once():
    assert match_units(["b", "a"], ["a", "b"])[1] == ()
    unit, causes = match_units(["a", "x", "c.mp4", "b.mp4", " b "], ["a", "b", "c"])
    assert unit.tolist() == [0, -1, 2, 1, 1]
    assert causes == ("leave out the file ending", "remove the blanks around names")
    assert match_units(["a"], [])[0].tolist() == [-1]
    assert match_units([], ["a"])[0].tolist() == []


@pytest.mark.parametrize(
    ("name", "wanted", "place"),
    [
        ("x/c.mp4", ["y/c", "x/c"], 1),
        ("c.mp4", ["x/c", "c"], 1),
        ("/z/x/c", ["y/c", "x/c"], 1),
        ("/z/c", ["x/c", "c"], 1),
        (".mp4", ["mp4", ""], -1),
        ("x/a.0", ["x/a"], -1),
        ("v07", ["v7"], -1),
        ("0v", ["v"], -1),
        ("²", ["2"], -1),
    ],
)
def test_folders_in_front_do_not_count_unless_both_have_them(name, wanted, place):
    assert match_units([name], wanted)[0].tolist() == [place]


def names(frames, unit=None):
    video = np.zeros(len(frames), np.int32) if unit is None else np.array(unit, np.int32)
    return ("a", "b"), video, np.array(frames, np.int32)


@pytest.mark.parametrize(
    ("frames", "listed", "base", "step"),
    [
        ([1, 0], [1, 2], 1, 1),
        ([1, 2], [1, 2], 1, 0),
        ([2, 3], [1, 2], 1, 0),
        ([1, 2], [0, 1], 0, -1),
        ([1], [0, 1], 0, 0),
        ([0, 2], [0, 1], 0, 0),
        ([2, 3], [0, 1], 0, 0),
        ([1, 3], [1, 2], 0, 0),
        ([NO_FRAME, 0], [NO_FRAME, 1], 1, 1),
        ([1, 2], [NO_FRAME, 0, 1], 0, -1),
        ([NO_FRAME], [1], 1, 0),
        ([0], [NO_FRAME], 1, 0),
        ([], [1], 1, 0),
        ([0], [], 1, 0),
    ],
)
def test_frames_are_counted_from_another_number_if_their_first_and_last_say_so(frames, listed, base, step):
    assert frame_step(names(frames), np.array([0, -1]), names(listed), base) == step


def test_frames_of_unknown_units_do_not_count():
    unit = np.array([0, -1])
    assert frame_step(names([0, 1], [1, 0]), unit, names([1, 2]), 1) == 0
    assert frame_step(names([0, 1], [0, 1]), unit, names([1, 2]), 1) == 1
    assert frame_step(((), *names([])[1:]), np.empty(0, np.int32), names([1, 2]), 1) == 0


@pytest.mark.parametrize(
    ("own", "wanted", "expected"),
    [
        (["0", "1"], ["1", "2"], ([0, 1], 1)),
        (["1", "0"], ["0001", "0002"], ([1, 0], 1)),
        (["000.mp4"], ["1", "2"], ([0], 1)),
        (["1", "2"], ["0", "1"], ([0, 1], -1)),
        (["0", "2"], ["1", "2"], None),
        (["0", "1"], ["0", "1", "2"], None),
        (["2", "3"], ["1", "2"], None),
        (["0", "a"], ["1", "2"], None),
        (["0", "²"], ["1", "2"], None),
        (["0"], ["1", "a"], None),
        ([], ["1"], None),
        ([], ["0"], None),
    ],
)
def test_numbers_counted_from_0_or_1_are_matched_if_all_are_then_in_the_list(own, wanted, expected):
    found = renumbered_units(own, wanted)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found[0].dtype == np.int32
        assert (found[0].tolist(), found[1]) == expected


def test_the_step_is_told_in_words():
    assert step_cause(1) == "count from 1, not from 0: add 1 to every number"
    assert step_cause(-1) == "count from 0, not from 1: subtract 1 from every number"


def keys(*texts):
    return pa.chunked_array([pa.array(texts, pa.string())])


LEGIBLE = [
    ("path", ["a/00001.jpg", "a\\2", "b//frame_3.PNG ", "b/123456.jpg"], [0, 0, 1, 1], [1, 2, 3, 123456], [1, 2]),
    ("path", ["a/image-00001.jpg", "b/c/img1.webp"], [0, 1], [1, 1], [0, 1]),
    ("frame-path", ["a/frame-0.jpg", "a/frame-01.jpg", "a/2"], [0, 0, 0], [0, 1, 2], [1, 2]),
    ("frame", ["1", "2.0", "00003.jpg", " frame 4 "], [0, 0, 0, 0], [1, 2, 3, 4], [1, 2, 3]),
]


@pytest.mark.parametrize(("kind", "texts", "video", "frame", "irregular"), LEGIBLE)
def test_videos_and_frames_are_told_however_they_are_spelt(kind, texts, video, frame, irregular):
    found = legible_names(keys(*texts), kind)
    assert found is not None
    (videos, own, numbers), places = found
    assert (own.tolist(), numbers.tolist(), places.tolist()) == (video, frame, irregular)
    assert numbers.dtype == np.int32
    assert len(videos) == max(video) + 1
    several = pa.chunked_array([[text] for text in texts])
    again = legible_names(several, kind)
    assert again is not None
    assert again[0][2].tolist() == frame


@pytest.mark.parametrize(("kind", "text"), [("path", "a"), ("path", "/1.jpg"), ("path", "a/x.jpg"), ("frame", "1.5")])
def test_a_name_without_a_frame_is_not_legible(kind, text):
    assert legible_names(keys("a/00001.jpg" if kind == "path" else "1", text), kind) is None
    if kind == "path":
        assert read_names(keys(text), kind, "prediction", "x.txt") is None


def test_ids_are_legible_as_they_are():
    found = legible_names(keys("b", "a", "b"), "id")
    assert found is not None
    (videos, video, frame), places = found
    assert (videos, video.tolist(), frame.tolist(), places.tolist()) == (("b", "a"), [0, 1, 0], [NO_FRAME] * 3, [])


def test_only_a_prediction_may_have_irregular_names_and_a_note_shows_the_first():
    texts = keys("a/00001.jpg", "a/2.jpg", "a/3")
    assert read_names(texts, "path", "truth", "x.txt") is None
    assert read_names(keys("a/00001.jpg"), "path", "truth", "x.txt") is not None
    right = read_names(keys("a/00001.jpg"), "path", "prediction", "x.txt")
    assert right is not None
    assert right[1] == ()
    found = read_names(texts, "path", "prediction", "x.txt")
    assert found is not None
    assert found[0][2].tolist() == [1, 2, 3]
    (note,) = found[1]
    assert (note.rule, note.file, note.line, note.count) == ("N12", "x.txt", None, 2)
    width = "write numbers with 5 digits, zeros in front, as 'a/00002.jpg'"
    assert note.found == f"'a/2.jpg' read as 'a/00002.jpg' (end names with '.jpg'; {width})"
    assert note.expected == "'a/00002.jpg'"
    assert note.fix.startswith("end names with '.jpg'; write numbers with 5 digits")
    frames = keys("a/frame-1.jpg", "a/frame-02.jpg", "a/frame-03.jpg")
    legible = legible_names(frames, "frame-path")
    assert legible is not None
    note = irregular_note(frames, *legible, "frame-path", "x.txt")
    assert (note.expected, note.count) == ("'a/frame-2.jpg'", 2)


def test_a_note_on_names_shows_both():
    note = respelt("A", "a", ("write small letters", "and plain ones"), "x.txt", 3)
    assert note.found == "'A' read as 'a' (write small letters; and plain ones)"
    assert (note.rule, note.expected, note.file, note.line, note.count) == ("N12", "'a'", "x.txt", None, 3)


def test_names_differ_where_they_are_not_equal():
    assert differing(keys("a", "b", "c"), keys("a", "x", "y")).tolist() == [1, 2]


BLANKS, SLASHES, JPG = "remove the blanks around names", "use forward slashes", "end names with '.jpg'"
PADDED = "write numbers with 5 digits, zeros in front, as 'it'"
PLAIN = "write frame numbers without zeros in front, as 'it'"
ALONE = "write the frame's number alone"


@pytest.mark.parametrize(
    ("kind", "texts", "causes"),
    [
        ("path", ["a/00001.jpg", "b/123456.jpg"], ()),
        ("path", [" a/00001.jpg", "a/00001.jpg"], (BLANKS,)),
        ("path", ["a/00001.jpg", "a/00001.jpg "], (BLANKS,)),
        ("path", ["a/ 00001.jpg"], (BLANKS, PADDED)),
        ("path", ["a\\00001.jpg", "a/00001.jpg"], (SLASHES,)),
        ("path", ["a/00001.png", "a/00001.jpg"], (JPG,)),
        ("path", ["a/1.jpg", "a/00001.jpg"], (PADDED,)),
        ("path", ["a/000001.jpg"], (PADDED,)),
        ("frame-path", ["a/frame-0.jpg", "a/frame-10.jpg"], ()),
        ("frame-path", ["a/frame-01.jpg"], (PLAIN,)),
        ("frame-path", ["a/frame-1"], (JPG,)),
        ("frame-path", ["a/1.jpg"], (PLAIN,)),
        ("frame", ["1", "2"], ()),
        ("frame", ["1", " 2"], (BLANKS,)),
        ("frame", ["1.jpg", "2"], (ALONE,)),
    ],
)
def test_what_is_odd_about_numbers_and_endings_is_told(kind, texts, causes):
    assert tail_causes(keys(*texts), kind, "it") == causes


@pytest.mark.parametrize(
    ("own", "wanted", "is_renamed"),
    [
        # one of two that lack a row is found: half of them; one of three is fewer
        (["a/1", "x/1"], ["a/00001.jpg", "b/00001.jpg"], True),
        (["a/1", "x/1", "y/1"], ["a/00001.jpg", "b/00001.jpg", "c/00001.jpg"], False),
        # a name that is right counts on neither side
        (["c/00001.jpg", "a/1", "x/1"], ["a/00001.jpg", "b/00001.jpg", "c/00001.jpg"], True),
        (
            ["c/00001.jpg", "a/1", "x/1", "y/1"],
            ["a/00001.jpg", "b/00001.jpg", "c/00001.jpg", "d/00001.jpg"],
            False,
        ),
        (["?", "a/1"], ["a/00001.jpg"], True),
        # the list lacks nothing
        (["a/00001.jpg", "a/1"], ["a/00001.jpg"], False),
        # a row that the list has twice lacks one
        (["a/00001.jpg", "a/1"], ["a/00001.jpg", "a/00001.jpg"], True),
        (["a/00001.jpg"], ["a/00001.jpg", "b/00001.jpg"], False),
        (["x"], ["a/00001.jpg"], False),
        ([], ["a/00001.jpg"], False),
        (["a/1"], ["a"], False),
    ],
)
def test_names_are_corrected_if_that_explains_half_of_the_rows_that_the_list_lacks(own, wanted, is_renamed):
    assert (rename(keys(*own), keys(*wanted), "path") is not None) == is_renamed


def test_names_that_are_illegible_or_unknown_stay_as_they_are():
    own = ["?", "a/1", "x/2", "", "b\\00001.jpg"]
    found = rename(keys(*own), keys("a/00001.jpg", "b/00001.jpg"), "path")
    assert found is not None
    assert found.keys.to_pylist() == ["?", "a/00001.jpg", "x/2", "", "b/00001.jpg"]
    assert found.causes == (SLASHES, JPG, "write numbers with 5 digits, zeros in front, as 'a/00001.jpg'")


def test_names_that_are_all_known_are_not_counted_otherwise():
    found = rename(keys("1", "2.mp4"), keys("1", "2", "0"), "id")
    assert found is not None
    assert found.keys.to_pylist() == ["1", "2"]


@pytest.mark.parametrize(
    ("kind", "own", "wanted", "causes"),
    [
        ("path", ["a/00000.jpg", "a/00001.jpg"], ["a/00001.jpg", "a/00002.jpg"], (step_cause(1),)),
        ("path", ["a/00001.jpg", "a/00002.jpg"], ["a/00000.jpg", "a/00001.jpg"], (step_cause(-1),)),
        ("frame-path", ["a/frame-1.jpg", "a/frame-2.jpg"], ["a/frame-0.jpg", "a/frame-1.jpg"], (step_cause(-1),)),
        ("id", ["a.mp4", "b"], ["a", "b"], ("leave out the file ending",)),
        ("image", ["0", "1"], ["1.jpg", "2.jpg"], ("end names with '.jpg'", step_cause(1))),
    ],
)
def test_all_names_are_corrected_and_the_causes_are_told(kind, own, wanted, causes):
    found = rename(keys(*own), keys(*wanted), kind)
    assert found is not None
    assert found.keys.to_pylist() == wanted
    assert found.causes == causes
