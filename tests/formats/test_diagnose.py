"""The line-by-line path: what it tolerates in reading, where it points, and that no bytes upset it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import Problem
from abawbench.challenges import CHALLENGES, get
from abawbench.formats import diagnose, mending
from abawbench.formats.columns import Probability
from abawbench.formats.diagnose import reading_problems, submission_problems
from abawbench.formats.file_problems import parse_whole
from abawbench.formats.layout import layouts, prediction_layouts

MTL = "image,valence,arousal,expression,aus\n"
UNITS = ",0" * 12


def truth_layout(challenge_id):
    return layouts(get(challenge_id), "truth")[0]


def prediction_layout(challenge_id):
    return prediction_layouts(get(challenge_id))[0]


def rules(problems):
    return {problem.rule for problem in problems.found}


def every_layout():
    found = {
        layout: f"{challenge.id}-{role}-{layout.format}"
        for challenge in CHALLENGES.values()
        for role in ("truth", "prediction", "list")
        for layout in layouts(challenge, role)
    }
    return [pytest.param(layout, id=name) for layout, name in found.items()]


@pytest.mark.parametrize(
    "text",
    [
        MTL.replace("\n", ",\n") + f"v/00001.jpg,0.1,0.2,0{UNITS}\n",
        MTL + f"v/00001.jpg,0.1,0.2,0{UNITS},\n",
        MTL + f"v/00001.jpg, 0.1,0.2 ,0{UNITS} \n",
    ],
    ids=["comma in the header", "trailing comma", "blanks"],
)
def test_what_a_submission_may_not_have_a_reader_passes_over(text):
    layout = prediction_layout("abaw4-mtl")
    assert not reading_problems(text.encode(), layout, "x").refuses
    assert submission_problems(text.encode(), layout, "x").refuses


@pytest.mark.parametrize(
    ("row", "accepted"),
    [
        ("v/00001.jpg,-5,-5,-1" + ",-1" * 12, True),
        ("v/00001.jpg,-5.0,-5.0,-1.0" + ",-1.0" * 12, True),
        ("v/00001.jpg,0.1,0.2,4.0" + ",1.0" * 12, True),
        ("v/00001.jpg,0.1,0.2,4.5" + ",1" * 12, False),
        ("v/00001.jpg,-4,0.2,4" + ",1" * 12, False),
        ("v/00001.jpg,0.1,0.2,8" + ",1" * 12, False),
        ("v/00001.jpg,0.1,0.2,-2" + ",1" * 12, False),
        ("v/00001.jpg,0.1,0.2,4" + ",2" * 12, False),
    ],
)
def test_an_annotation_is_in_range_or_the_sentinel(row, accepted):
    problems = reading_problems(f"{MTL}{row}\n".encode(), truth_layout("abaw4-mtl"), "x")
    assert rules(problems) == (set() if accepted else {"V09"})


@pytest.mark.parametrize(
    ("challenge_id", "row"), [("abaw6-ce", "01/00001.jpg,-1"), ("abaw8-emi", "00001,-1,0,0,0,0,0")]
)
def test_a_challenge_without_sentinel_has_none_in_its_truth(challenge_id, row):
    layout = truth_layout(challenge_id)
    assert rules(reading_problems(f"{layout.header}\n{row}\n".encode(), layout, "x")) == {"V09"}


def test_transcripts_may_hold_commas_and_quotes():
    layout = truth_layout("abaw11-ah")
    text = 'Videos/1/V/a 10.mp4,0,Well, "I" get up, then.\nVideos/1/V/b.mp4,1,\n'
    assert reading_problems(text.encode(), layout, "x").found == ()
    assert rules(reading_problems(b"Videos/1/V/a.mp4,0\n", layout, "x")) == {"F06"}


def test_all_are_counted_and_three_are_kept_with_their_lines():
    layout = prediction_layout("abaw6-va")
    lines = [f"v/{i:05d}.jpg,0.1,{'nan' if i % 2 else '0.2'}" for i in range(1, 101)]
    found = submission_problems("\n".join([layout.header, *lines, ""]).encode(), layout, "x").found
    assert [(problem.rule, problem.line, problem.count) for problem in found] == [
        ("V01", 2, 50),
        ("V01", 4, 50),
        ("V01", 6, 50),
    ]
    assert found[0].found == "arousal = 'nan'"
    assert found[0].expected == "a number from -1 to 1"


def test_the_owner_of_a_wrong_header_is_named():
    found = submission_problems(b"image,expression\n0.jpg,3\n", prediction_layout("abaw4-mtl"), "x").found
    assert "abaw4-lsd" in found[0].found


def test_blank_lines_inside_and_at_the_end_are_told_apart():
    layout = prediction_layout("abaw3-expr")
    found = submission_problems(f"{layout.header}\n0\n\n1\n\n\n".encode(), layout, "x").found
    assert [(problem.rule, problem.line, problem.count) for problem in found] == [("N03", 5, 2), ("F10", 3, 1)]


def test_many_blank_lines_are_counted_and_three_are_kept():
    layout = prediction_layout("abaw3-expr")
    found = submission_problems(f"{layout.header}\n0{chr(10) * 9}1\n".encode(), layout, "x").found
    assert [(problem.rule, problem.line, problem.count) for problem in found] == [
        ("F10", 3, 8),
        ("F10", 4, 8),
        ("F10", 5, 8),
    ]


def test_a_byte_that_is_no_text_is_located():
    layout = prediction_layout("abaw6-va")
    data = f"{layout.header}\nv/00001.jpg,0.1,0.2\n".encode() + b"v/00002.jpg,0.\xe91,0.2\n"
    (problem,) = submission_problems(data, layout, "x").found
    assert (problem.rule, problem.line, problem.found) == ("F03", 3, "byte 0xe9 at position 15")


def test_names_in_latin_1_are_read_and_told():
    layout = prediction_layout("abaw6-va")
    data = f"{layout.header}\nvid\xe9o/00001.jpg,0.1,0.2\n".encode("latin-1")
    (problem,) = submission_problems(data, layout, "x").found
    assert (problem.rule, problem.line) == ("F03", 2)
    assert "'vidéo/00001.jpg'" in problem.found
    assert not reading_problems(data, layout, "x").refuses


def test_a_very_long_line_is_shown_in_part():
    layout = prediction_layout("abaw6-va")
    (problem,) = submission_problems(f"{layout.header}\n{'x' * 10**6}\n".encode(), layout, "x").found
    assert problem.rule == "F06"
    assert len(problem.found) < 100


@pytest.mark.parametrize("layout", every_layout())
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_bytes_give_problems_and_never_another_exception(layout, data):
    start = data.draw(st.sampled_from(["", f"{layout.header}\n", "\ufeff", f'"{layout.header}"\r\n']))
    content = start.encode() + data.draw(st.binary(max_size=200))
    for problems_of in (reading_problems, submission_problems):
        problems = problems_of(content, layout, "x")
        assert all(problem.count >= 1 for problem in problems.found)


NUMBERS = [
    "0",
    "1",
    "7",
    "8",
    "-1",
    "-5",
    "0.5",
    "-0.25",
    "1.0",
    "4.0",
    "1e-3",
    "+0.5",
    ".5",
    "1.",
    "1e999",
    "0x1",
    "1_0",
]
OTHERS = ["nan", "inf", "Neutral", "v/00001.jpg", "12", "99/frame-0.jpg", '"1"', "é", "", " 1", "1 ", "\t0"]
FIELDS = st.sampled_from(NUMBERS) | st.sampled_from(OTHERS)


@pytest.mark.parametrize("challenge_id", ["abaw4-mtl", "abaw6-va", "abaw6-expr", "abaw3-expr", "abaw10-ah", "abaw8-ah"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_where_the_fast_path_succeeds_the_slow_path_finds_nothing(challenge_id, data):
    layout = prediction_layout(challenge_id)
    good = ["v/00001.jpg"] if layout.key == "path" else ["99/frame-0.jpg"] if layout.key == "frame-path" else ["a"]
    good = good if layout.key != "line" else []
    good += ["0.25" if isinstance(column, Probability) else "0" for column in layout.columns]
    if layout.format == "ah-trial":
        good[2] = "0.75"
    rows = [list(good) for _ in range(data.draw(st.integers(1, 3)))]
    for _ in range(data.draw(st.integers(0, 2))):
        row = data.draw(st.sampled_from(rows))
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(FIELDS)
    head = [] if layout.header is None else [layout.header]
    end = data.draw(st.sampled_from(["\n", "\n", "\n", "", ",\n", "\n\n", " \n"]))
    content = ("\n".join([*head, *map(",".join, rows)]) + end).encode()
    if parse_whole(content, layout) is not None:
        assert submission_problems(content, layout, "x").found == ()


@pytest.mark.parametrize("challenge_id", ["abaw8-va", "abaw11-ah", "abaw7-mtl", "abaw3-au"])
@pytest.mark.parametrize("row", ["0", "a,5,5", "a,0.5,0.6,1", "a\0,1,1,1", "\udce9,1", " ,1", "a,x,y,z", "a, 1,2 ", ""])
def test_what_is_written_for_messages_does_not_grow_with_the_file(monkeypatch, challenge_id, row):
    made = Counter()

    def counted(kind):
        def make(rule, *args, **kwargs):
            made[len(lines)] += 1
            return Problem(rule, *args, **kwargs)

        monkeypatch.setattr(kind, "Problem", make)

    for module in (diagnose, mending):
        counted(module)
    layout = prediction_layout(challenge_id)
    for count in (50, 500):
        lines = [layout.header or "a,0.5,0.5,1", *[row] * count, "a"]
        submission_problems("\n".join([*lines, ""]).encode("utf-8", "surrogateescape"), layout, "x")
    assert made[52] == made[502]
