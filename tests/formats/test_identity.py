"""One reading of names for every verb: a respelt prediction scores as the right one, or is refused; never otherwise."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.api import diff, score, write
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats import read_predictions
from abawbench.formats.check import check, is_accepted
from abawbench.formats.dataframe import to_frame
from abawbench.formats.identity import identify
from abawbench.formats.names import match_units
from abawbench.formats.repair import repair
from abawbench.formats.write import write_predictions
from abawbench.table import NO_FRAME, Table


def shift(step):
    return lambda name: re.sub(r"\d+(?=\.jpg$|$)", lambda hit: f"{int(hit[0]) + step:0{len(hit[0])}d}", name)


PATHS = {
    "counted from 0": shift(-1),
    "absolute": lambda name: f"/data/u1/cropped_aligned/{name}",
    "a drive and backslashes": lambda name: "C:\\crops\\" + name.replace("/", "\\"),
    "backslashes": lambda name: name.replace("/", "\\"),
    "png": lambda name: name.replace(".jpg", ".png"),
    "capital ending": lambda name: name.replace(".jpg", ".JPG"),
    "no ending": lambda name: name.replace(".jpg", ""),
    "without zeros": lambda name: re.sub("/0+", "/", name),
    "six digits": lambda name: name.replace("/", "/0"),
    "video file in front": lambda name: name.replace("/", ".mp4/"),
    "folder and video file": lambda name: "videos/" + name.replace("/", ".MP4/"),
    "several at once": lambda name: "D:\\x\\" + re.sub(r"/0+(?=\d)", "/", shift(-1)(name)).replace(".jpg", ".png"),
}
IDS = {
    "integers": lambda name: str(int(name)),
    "floats": lambda name: f"{int(name)}.0",
    "integers of files": lambda name: f"{int(name)}.mp4",
    "files": lambda name: f"{name}.mp4",
    "in a folder": lambda name: f"/data/clips/{name}",
}
AH = {
    "no folder": lambda name: name.rpartition("/")[2],
    "no ending": lambda name: name.removesuffix(".mp4"),
    "capital ending": lambda name: name.replace(".mp4", ".MP4"),
    "absolute": lambda name: f"/home/me/{name}",
    "backslashes": lambda name: name.replace("/", "\\"),
}
AH_FRAMES = {
    "counted from 1": shift(1),
    "no ending of the video": lambda name: name.replace(".mp4/", "/"),
    "padded": lambda name: re.sub(r"frame-(\d)", r"frame-0000\1", name),
    "numbers alone": lambda name: name.replace("frame-", ""),
}
IMAGES = {
    "no ending": lambda name: name.removesuffix(".jpg"),
    "absolute": lambda name: f"/lsd/{name}",
    "from 1": shift(1),
}
FORMS = {
    "abaw6-expr": PATHS,
    "abaw10-va": PATHS,
    "abaw7-mtl": PATHS,
    "abaw6-emi": IDS,
    "abaw11-ah": AH,
    "abaw8-ah": AH_FRAMES,
    "abaw4-lsd": IMAGES,
}
CASES = [(challenge, name) for challenge, spellings in FORMS.items() for name in spellings]


def respell(made, spelling):
    """Write the prediction with other names."""
    layout_has_header = made.one[0].split(",")[0] in {"image_location", "image", "Filename", "File_ID"}
    for name, lines in made.lines.items():
        made.lines[name] = [
            line
            if layout_has_header and place == 0
            else spelling(line.partition(",")[0]) + "," + line.partition(",")[2]
            for place, line in enumerate(lines)
        ]
    return made.write()


@pytest.mark.parametrize(("challenge", "name"), CASES)
def test_every_verb_reads_a_known_respelling_as_the_names_of_the_list(submission, challenge, name):
    made = submission(challenge)
    path = made.write()
    wanted = read_predictions(made.challenge, path)
    good = made.folder / "good"
    write_predictions(made.challenge, wanted, made.template, good)
    path = respell(made, FORMS[challenge][name])
    table = read_predictions(made.challenge, path)

    known = identify(made.challenge, table, wanted)
    assert {note.rule for note in known.table.notes} == {"N12"}
    assert (known.alignment.rows >= 0).all()
    assert len(known.alignment.surplus) == 0

    written = write_predictions(made.challenge, table, made.template, made.folder / "out", "nearest")
    assert (made.folder / "out").read_bytes() == good.read_bytes()
    assert not written.filled
    assert {note.rule for note in written.notes} == {"N12"}

    assert {problem.rule for problem in check(made.challenge, path, made.template)} == {"T06"}
    repair(made.challenge, path, made.template, made.folder / "repaired")
    assert is_accepted(check(made.challenge, made.folder / "repaired", made.template))


@pytest.mark.parametrize("name", PATHS)
def test_score_and_diff_of_a_respelt_file_are_those_of_the_right_one(submission, name):
    made = submission("abaw10-va")
    truth = made.write().rename(made.folder / "truth.txt")
    made.lines = {
        "mine.txt": [made.one[0], *(f"{line.split(',')[0]},0.{place},0.5" for place, line in enumerate(made.one[1:]))]
    }
    right = score("abaw10-va", truth, made.write(), resamples=100)
    path = respell(made, PATHS[name])
    found = score("abaw10-va", truth, path, resamples=100)
    assert found.score == right.score
    assert "N12" in {note.rule for note in found.notes}
    assert diff("abaw10-va", truth, path, path, resamples=100)["difference"] == 0


@pytest.mark.parametrize(
    "spelling",
    [
        lambda frame: frame.assign(frame=frame["frame"] - 1),
        lambda frame: frame.assign(video=frame["video"] + ".mp4"),
        lambda frame: frame.assign(video="/crops/" + frame["video"], frame=frame["frame"] - 1),
    ],
)
@pytest.mark.parametrize("form", ["frame", "parquet", "csv"])
def test_tables_in_memory_and_on_disk_are_read_alike(submission, spelling, form):
    made = submission("abaw10-va")
    prediction = read_predictions(made.challenge, made.write())
    frame = spelling(to_frame(made.challenge, prediction))
    source = frame
    if form != "frame":
        source = made.folder / f"mine.{form}"
        frame.to_parquet(source) if form == "parquet" else frame.to_csv(source, index=False)
    written = write("abaw10-va", source, made.folder / "out.txt", template=made.template, fill="nearest")
    assert [note.rule for note in written.notes] == ["N12"]
    write_predictions(made.challenge, prediction, made.template, made.folder / "good.txt")
    assert (made.folder / "out.txt").read_bytes() == (made.folder / "good.txt").read_bytes()


@pytest.mark.parametrize("challenge", ["abaw3-au", "abaw2-va", "abaw10-vd"])
def test_names_of_unit_files_are_respelt(submission, challenge):
    made = submission(challenge)
    suffix = "." + next(iter(made.lines)).rpartition(".")[2]
    made.lines = {name.replace(suffix, f".mp4{suffix}"): lines for name, lines in made.lines.items()}
    path = made.write()
    table = read_predictions(made.challenge, path)
    written = write_predictions(made.challenge, table, made.template, made.folder / "out")
    assert written.rows == len(table)
    assert {problem.rule for problem in check(made.challenge, path, made.template)} == {"T06"}
    done = repair(made.challenge, path, made.template, made.folder / "mended")
    assert {part.rule for part in done} == {"T06"}
    assert check(made.challenge, made.folder / "mended", made.template) == ()


@pytest.mark.parametrize("copies", [(".mp4",), (".mp4", ".avi")])
@pytest.mark.parametrize("is_kept", [True, False])
def test_two_files_that_fit_one_unit_are_told_apart_by_hand(submission, copies, is_kept):
    made = submission("abaw2-va")
    first = next(iter(made.lines))
    for copy in copies:
        made.lines[first.replace(".txt", f"{copy}.txt")] = list(made.lines[first])
    if not is_kept:
        made.lines.pop(first)
    rules = {problem.rule for problem in check(made.challenge, made.write(), made.template)}
    if is_kept:
        assert rules == {"T09"}
    else:
        assert rules == ({"T06"} if len(copies) == 1 else {"T08", "T09"})


def test_frames_from_0_in_the_files_of_units_are_read_as_from_1(submission):
    made = submission("abaw10-vd")
    good = {name: list(lines) for name, lines in made.lines.items()}
    made.lines = {
        name: [lines[0], *(f"{int(line.split(',')[0]) - 1},{line.split(',')[1]}" for line in lines[1:])]
        for name, lines in made.lines.items()
    }
    table = read_predictions(made.challenge, made.write())
    write_predictions(made.challenge, table, made.template, made.folder / "out", "nearest")
    for name, lines in good.items():
        assert (made.folder / "out" / name).read_text() == "".join(f"{line}\n" for line in lines)


def frames(numbers, video="a", **changes):
    count = len(numbers)
    values = np.linspace(-0.5, 0.5, count)
    table = Table(
        (video,),
        np.zeros(count, np.int32),
        np.array(numbers, np.int32),
        {"va": np.stack([values, values], axis=1)},
    )
    return replace(table, **changes)


VA = get("abaw10-va")
LISTED = frames(range(1, 7))


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (range(7), "lie behind the last"),
        ([0, 1, 2, 3, 4, 6], "lie behind the last"),
        ([0, 2, 4, 9], "lie behind the last"),
        (range(2, 8), "frames from 1 to 6"),
        (range(4, 9), "frames from 1 to 6"),
        (range(7, 10), "frames from 1 to 6"),
    ],
)
def test_frames_that_may_be_counted_otherwise_are_refused_and_nothing_is_filled(numbers, reason):
    with pytest.raises(ProblemError, match=reason) as caught:
        identify(VA, frames(numbers), LISTED)
    assert {problem.rule for problem in caught.value.problems} == {"T06"}


@pytest.mark.parametrize("numbers", [[2, 4], [3], range(1, 10), range(2, 9), [1, 2, 4, 5, 6, 9]])
def test_fewer_or_more_frames_than_listed_leave_no_doubt(numbers):
    known = identify(VA, frames(numbers), LISTED)
    assert not known.table.notes
    assert known.table.frame.tolist() == list(numbers)


@pytest.mark.parametrize("form", ["{unit}", "{unit},{count}"])
def test_units_of_which_one_alone_is_counted_from_0_are_refused(submission, form):
    made = submission("abaw3-au")
    made.listed = {
        "list.txt": [form.format(unit=name[:-4], count=len(lines) - 1) for name, lines in made.lines.items()]
    }
    frame = to_frame(made.challenge, read_predictions(made.challenge, made.write()))
    frame["frame"] -= (frame["video"] == frame["video"].iloc[0]).astype("int32")
    with pytest.raises(ProblemError, match="begin at 1"):
        write("abaw3-au", frame, made.folder / "out", template=made.template, fill="nearest")


def test_gaps_do_not_hide_that_frames_are_counted_from_0():
    known = identify(VA, frames([0, 2, 5]), LISTED)
    assert known.table.frame.tolist() == [1, 3, 6]
    assert (known.alignment.rows >= 0).sum() == 3


def test_a_unit_of_unknown_name_beside_a_listed_one_without_rows_is_refused_unless_it_is_of_a_store():
    listed = Table(("a", "b"), np.array([0, 1], np.int32), np.array([1, 1], np.int32), {})
    given_rows = Table(("a", "x"), np.array([0, 1], np.int32), np.array([1, 1], np.int32), {"va": np.zeros((2, 2))})
    with pytest.raises(ProblemError, match=r"'b/00001\.jpg'"):
        identify(VA, given_rows, listed)
    assert identify(VA, replace(given_rows, is_store=True), listed).more_units.tolist() == [1]
    # more units than listed, and every listed one answered
    assert identify(VA, given_rows, listed.take(np.array([0]))).more_units.tolist() == [1]


def test_two_names_that_fit_one_are_refused():
    two = Table(("a", "a.mp4"), np.array([0, 1], np.int32), np.array([1, 1], np.int32), {"va": np.zeros((2, 2))})
    with pytest.raises(ProblemError, match="both fit one name"):
        identify(VA, two, LISTED)


def test_two_unlike_rows_of_one_name_are_refused_and_not_left_out(submission):
    made = submission("abaw10-va")
    frame = to_frame(made.challenge, read_predictions(made.challenge, made.write()))
    frame = pd.concat([frame, frame.iloc[[2]].assign(valence=0.75)])
    with pytest.raises(ProblemError, match=r"T03[\s\S]*other values"):
        write("abaw10-va", frame, made.folder / "out.txt", template=made.template, fill="nearest")


@pytest.mark.parametrize(
    ("name", "wanted", "place"),
    [
        ("7", ["00007", "00017"], 0),
        ("7.0", ["00007", "00017"], 0),
        ("007.mp4", ["00007", "00017"], 0),
        ("x/y/7", ["7", "17"], 0),
        ("a b", ["a_b", "a"], 0),
        ("c.mp4", ["x/c.mp4", "y/c.mp4"], -1),
        ("z/c.mp4", ["x/c.mp4", "y/c"], -1),
        ("07", ["7", "007"], -1),
        ("2-30-640x36", ["2-30-640x360"], -1),
        ("1.5", ["1", "5"], -1),
        ("", ["a"], -1),
    ],
)
def test_a_name_fits_one_name_of_the_list_or_none(name, wanted, place):
    assert match_units([name], wanted)[0].tolist() == [place]


@given(st.integers(2, 6), st.sets(st.integers(1, 8), min_size=1), st.sampled_from([0, 1]))
def test_frames_counted_from_0_or_1_keep_their_places_or_are_refused(count, meant, step):
    """Rows without a frame 0 are taken at their word: nothing in them says that they are counted from 0."""
    listed, right = frames(range(1, count + 1)), frames(sorted(meant))
    as_given = replace(right, frame=(right.frame - step).astype(np.int32))
    try:
        known = identify(VA, as_given, listed)
    except ProblemError:
        return
    is_told = step == 0 or 1 in meant
    expected = right if is_told else as_given
    np.testing.assert_array_equal(known.table.frame, expected.frame)
    assert bool(known.table.notes) == (step == 1 and is_told)


def test_rows_of_whole_videos_need_no_frame():
    ids = Table(("00007", "00008"), np.arange(2, dtype=np.int32), np.full(2, NO_FRAME, np.int32), {})
    given_rows = replace(ids, videos=("7", "8"), frame=np.ones(2, np.int32))
    known = identify(get("abaw6-emi"), given_rows, ids)
    assert known.table.frame.tolist() == [NO_FRAME, NO_FRAME]
    assert known.alignment.rows.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("challenge", "names", "wanted"),
    [
        ("abaw10-va", ["a/00002.jpg", "a\\1", "b/frame_7"], [("a", 2), ("a", 1), ("b", 7)]),
        ("abaw8-ah", ["a/frame-1.jpg", "a/0", "b/frame-07.png"], [("a", 1), ("a", 0), ("b", 7)]),
    ],
)
def test_names_of_rows_in_the_place_of_names_of_units_are_taken_apart(challenge, names, wanted):
    none = np.full(3, NO_FRAME, np.int32)
    given_rows = Table(tuple(names[::-1]), np.array([2, 1, 0], np.int32), none, {})
    listed = Table(("a", "b"), np.array([0, 0, 1], np.int32), np.array([frame for _, frame in wanted], np.int32), {})
    known = identify(get(challenge), given_rows, listed)
    assert [known.table.name(row) for row in range(3)] == [f"{video} frame {frame}" for video, frame in wanted]
    assert known.alignment.rows.tolist() == [0, 1, 2]
    (note,) = known.table.notes
    assert note.rule == "N12"
    assert "give the video and the frame of each row apart" in note.fix


def rows_of(*names):
    """A table of rows named by unit and frame, the units in order of appearance."""
    pairs = [name.split() for name in names]
    videos = tuple(dict.fromkeys(video for video, _ in pairs))
    video = np.array([videos.index(video) for video, _ in pairs], np.int32)
    frame = np.array([int(number) for _, number in pairs], np.int32)
    return Table(videos, video, frame, {"va": np.zeros((len(pairs), 2))})


TWO = rows_of("a 1", "a 2", "b 1", "b 2")


def told(caught):
    return [(problem.rule, problem.found, problem.expected, problem.count) for problem in caught.value.problems]


def test_units_whose_frames_lie_elsewhere_are_named_with_their_bounds():
    own = rows_of("x 900", "b 2", "b 3", "a 1", "a 2")
    with pytest.raises(ProblemError) as caught:
        identify(VA, own, TWO)
    found = "'b/00003.jpg'; frames of 'b' from 2 to 3"
    assert told(caught) == [("T06", found, "frames from 1 to 2, as in the list", 1)]


@pytest.mark.parametrize("numbers", [[1, 2, 3], [2, 3, 5]])
def test_surplus_frames_between_the_first_and_the_last_of_the_list_are_left_over(numbers):
    known = identify(VA, frames(numbers), frames([1, 3, 5]))
    assert known.table.frame[known.more_frames].tolist() == [2]
    assert len(known.more_units) == 0


def test_units_of_unknown_names_are_each_named_with_a_unit_that_lacks_all_its_rows():
    own = rows_of("x 1", "a 1", "a 2", "y 1", "x 2")
    with pytest.raises(ProblemError) as caught:
        identify(VA, own, TWO)
    expected = "'b/00001.jpg' or another name of the list, of which 1 unit has no row"
    assert [row[2:] for row in told(caught)] == [(expected, 3)] * 2
    assert [row[1].split(",")[0] for row in told(caught)] == ["'x/00001.jpg'", "'y/00001.jpg'"]
    with pytest.raises(ProblemError) as caught:
        identify(get("abaw8-ah"), replace(own, values={}), replace(TWO, values={}))
    assert told(caught)[0][2].startswith("'b/frame-1.jpg'")


def test_units_of_unknown_names_are_left_over_if_each_listed_unit_that_is_called_for_has_a_row():
    own = rows_of("a 1", "b 1", "b 2", "x 1")
    assert identify(VA, own, TWO).more_units.tolist() == [3]
    own = rows_of("a 1", "x 1")
    called_for = np.array([True, True, False, False])
    assert identify(VA, own, TWO, called_for).more_units.tolist() == [1]
