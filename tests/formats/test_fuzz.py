"""Any bytes, as a prediction, a list, a zip or a file to repair: problems or an answer, never another exception."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import get
from abawbench.formats.check import check
from abawbench.formats.layout import prediction_layouts
from abawbench.formats.repair import repair

ONE_OF_EACH = ["abaw3-va", "abaw4-mtl", "abaw4-lsd", "abaw6-expr", "abaw5-eri", "abaw8-emi", "abaw8-ah", "abaw11-ah"]
PIECES = [
    "v/00001.jpg",
    "v/00002.jpg",
    "v\\00001.jpg",
    "0.jpg",
    "1.jpg",
    "00021",
    "21",
    "frame-0.jpg",
    "Videos/a/b.mp4",
]
VALUES = ["", "0", "1", "0.5", "-5", "nan", "inf", "4.0", '"', " ", "é", "\0", "Neutral", "1e999", "0.9999999999"]
LINES = st.lists(st.sampled_from(PIECES + VALUES), max_size=5).map(",".join)


@st.composite
def files(draw, challenge):
    """Bytes that look more or less like a file of the challenge."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=60))
    header = prediction_layouts(challenge)[0].header
    head = draw(st.sampled_from(["", "\ufeff", f"{header}\n", f"{header},\r\n", f'"{header}"\n', "video_id,label\n"]))
    end = draw(st.sampled_from(["\n", "", "\r\n", "\n\n"]))
    return (head + draw(st.sampled_from(["\n", "\r\n"])).join(draw(st.lists(LINES, max_size=5))) + end).encode()


@pytest.mark.parametrize("challenge_id", ONE_OF_EACH)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_prediction_and_any_list_can_be_checked_and_repaired(challenge_id, data):
    challenge = get(challenge_id)
    with tempfile.TemporaryDirectory() as folder:
        path, template, out = (Path(folder) / name for name in ("mine.txt", "list.txt", "copy/mine.txt"))
        out.parent.mkdir()
        path.write_bytes(data.draw(files(challenge)))
        template.write_bytes(data.draw(files(challenge)))
        for listed in (None, template):
            assert all(isinstance(problem, Problem) for problem in check(challenge, path, listed))
        try:
            repair(challenge, path, template, out)
        except ProblemError:
            assert not out.exists()
        else:
            # a single unit of several is mended alone
            assert all(problem.is_note or problem.rule in {"T08", "T09"} for problem in check(challenge, out, template))


def a_zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trial-0.txt", "Videos/a/b.mp4,0.5,0.5,0\n" * 3)
        archive.writestr("folder/trial-1.txt", "Videos/a/b.mp4,1\n")
    return stream.getvalue()


@settings(max_examples=400, deadline=None)
@given(place=st.integers(0, len(a_zip()) - 1), new=st.binary(max_size=4), length=st.integers(0, 4))
def test_a_zip_with_any_bytes_changed_can_be_checked(place, new, length):
    data = a_zip()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.zip"
        path.write_bytes(data[:place] + new + data[place + length :])
        assert all(isinstance(problem, Problem) for problem in check(get("abaw11-ah"), path))


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_can_be_called_a_zip(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.zip"
        path.write_bytes(data)
        assert {problem.rule for problem in check(get("abaw11-ah"), path)} == {"Z01"}
