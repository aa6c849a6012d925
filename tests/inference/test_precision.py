from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.inference import precision
from abawbench.inference.extract import extract
from abawbench.inference.feature_maker import FeatureMaker
from abawbench.inference.precision import (
    ANSWERS,
    FEATURES,
    FRAMES,
    LIMIT,
    PERIOD,
    Parity,
    decide_precision,
    spread_rows,
    watched_rows,
)
from abawbench.inference.predict import predict
from abawbench.inference.run import DEFAULTS, RunOptions
from abawbench.inference.store import open_store
from tests.inference.conftest import SIDE, Means, a_clip

# a first pixel that random crops do not have: the red of crops on which bfloat16 errs
MARK = 255


@dataclass(frozen=True, eq=False)
class Rounding(Means):
    """A Means entry that can be moved; in bfloat16 what it sees is off by `error`, of marked crops by `more`."""

    error: float = 0.0
    more: float = 0.0
    precision: str = "float32"
    width: int = 3

    def at(self, device, precision):
        return replace(self, precision=precision)

    def prepare(self, crops):
        return crops

    def forward(self, prepared):
        is_marked = prepared[:, 0, 0, :1] == MARK
        off = self.error + self.more * is_marked.astype(np.float32)
        return Means.encode(self, prepared) + (off.astype(np.float32) if self.precision == "bfloat16" else 0)

    def encode(self, crops):
        return self.forward(self.prepare(crops))


class Unable(Rounding):
    """An entry that knows no bfloat16."""

    def forward(self, prepared):
        assert self.precision == "float32", "no such kernel"
        return Means.encode(self, prepared)


class Fixed(Rounding):
    """An entry that cannot be moved to bfloat16."""

    def at(self, device, precision):
        assert precision == "float32", "cannot be copied"
        return self


@pytest.fixture
def with_bfloat16(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)


def marked(video: str, frames: int, rows=()):
    """A clip in memory with marked crops at some places."""
    random = np.random.default_rng([*video.encode()])
    crops = random.integers(0, MARK, (frames, SIDE, SIDE, 3), np.uint8)
    crops[np.array(rows, int), 0, 0, 0] = MARK
    return clip_in_memory(video, crops)


CLIPS = [a_clip("v", 8), a_clip("w", 30, missing=(0, 1))]


def decide(entry, choice, measure=ANSWERS, clips=CLIPS) -> Parity:
    return decide_precision(entry, "cpu", choice, clips, 16, measure=measure)


@given(st.lists(st.integers(0, 300), max_size=100))
def test_the_frames_that_decide_are_64_or_all_and_spread_over_units_and_lengths(counts):
    clips = [
        replace(marked("v", 1), video=str(number), frame=np.arange(count), valid=np.ones(count, bool))
        for number, count in enumerate(counts)
    ]
    chosen = list(spread_rows(clips))
    assert min(sum(counts), FRAMES) <= sum(len(rows) for _, rows in chosen) < 2 * FRAMES
    filled = [clip.video for clip in clips if len(clip)]
    assert len({clip.video for clip, _ in chosen}) == min(len(filled), FRAMES)
    shares = {len(rows) for clip, rows in chosen if len(rows) < len(clip)}
    assert len(shares) <= 1
    for clip, rows in chosen:
        assert (np.diff(rows) > 0).all()
        step = len(clip) / len(rows)
        assert all(place * step - 1 < row < (place + 1) * step for place, row in enumerate(rows.tolist()))


def test_a_few_units_of_any_length_decide_together():
    chosen = {clip.video: rows for clip, rows in spread_rows([marked("a", 1), marked("b", 200), marked("c", 40)])}
    assert {unit: len(rows) for unit, rows in chosen.items()} == {"a": 1, "b": 32, "c": 32}
    # the middle of each 200 / 32 frames
    assert chosen["b"][:3].tolist() == [3, 9, 15]
    assert chosen["b"][-1] == 196


def test_one_frame_in_so_many_is_watched_and_the_unit_alone_says_which():
    rows = {unit: watched_rows(unit, 10 * PERIOD) for unit in ("v", "w", "a/b", "\udcff")}
    assert all(len(found) == 10 and (np.diff(found) == PERIOD).all() for found in rows.values())
    assert len({found[0] for found in rows.values()}) > 1
    np.testing.assert_array_equal(watched_rows("v", 5 * PERIOD), rows["v"][:5])


def test_bfloat16_is_taken_where_answers_hardly_change_and_the_comparison_says_on_how_many_frames(with_bfloat16):
    parity = decide(Rounding(error=1e-4), "auto")
    assert parity.precision == "bfloat16"
    assert parity.compared is not None
    assert parity.compared.deviation is not None
    assert 0 < parity.compared.deviation < 1e-3
    assert (parity.compared.frames, parity.compared.units) == (36, 2)


@pytest.mark.parametrize("error", [40.0, np.nan])
def test_float32_is_taken_where_answers_change(with_bfloat16, error):
    parity = decide(Rounding(error=error), "auto")
    assert parity.precision == "float32"
    assert parity.compared is not None
    deviation = parity.compared.deviation
    assert (deviation is None) == np.isnan(error)
    assert deviation is None or deviation > LIMIT


def test_one_picture_among_64_is_enough_to_refuse(with_bfloat16):
    rows = next(rows for clip, rows in spread_rows([marked("v", 500), marked("w", 500)]) if clip.video == "v")
    clips = [marked("v", 500, rows[20:21]), marked("w", 500)]
    assert decide(Rounding(more=40.0), "auto", clips=clips).precision == "float32"
    assert decide(Rounding(more=40.0), "auto", clips=[marked("v", 500), marked("w", 500)]).precision == "bfloat16"


@pytest.mark.parametrize("entry", [Rounding(error=40.0), Unable(), Fixed()])
def test_bfloat16_that_was_asked_for_and_changes_answers_or_fails_is_refused(with_bfloat16, entry):
    with pytest.raises(ProblemError, match="P05"):
        decide(entry, "bfloat16")


@pytest.mark.parametrize("entry", [Unable(), Fixed()])
def test_an_entry_that_fails_in_bfloat16_alone_runs_in_float32(with_bfloat16, entry, tmp_path):
    summary = predict(entry, CLIPS, tmp_path)
    assert (summary.made, summary.problems) == (2, ())
    assert summary.parity == Parity("auto", "float32", precision.Comparison(None, 36, 2))
    json.loads(json.dumps(open_store(tmp_path).record, allow_nan=False))


def test_units_that_cannot_be_read_decide_nothing(with_bfloat16):
    def no_picture(positions):
        raise ProblemError(Problem("F01", "no picture", "a picture", "bring it", "x.jpg"))

    bad = replace(CLIPS[0], source=no_picture)
    parity = decide(Rounding(), "auto", clips=[bad, CLIPS[1]])
    assert parity == Parity("auto", "bfloat16", precision.Comparison(0.0, 28, 1))
    assert decide(Rounding(), "auto", clips=[bad]) == Parity("auto", "float32")
    with pytest.raises(ProblemError, match="F01"):
        decide(Rounding(), "bfloat16", clips=[bad])
    assert decide(Rounding(), "bfloat16", clips=[]) == Parity("bfloat16", "float32")


def test_features_are_compared_by_their_length_and_the_entry_concludes_nothing(with_bfloat16):
    class Silent(Rounding):
        def answer(self, seen, clip):
            raise AssertionError("features are not answers")

    clip = a_clip("v", 8)
    seen = clip.frames.reshape(8, -1, 3).mean(axis=1)
    parity = decide(Silent(error=5.0), "auto", FEATURES, [clip])
    # each of three numbers is off by 5
    assert parity.compared is not None
    assert parity.compared.deviation == pytest.approx(75**0.5 / np.linalg.norm(seen, axis=1).min(), rel=1e-4)
    assert parity.precision == "bfloat16"
    assert decide(Silent(error=9.0), "auto", FEATURES).precision == "float32"
    with pytest.raises(ProblemError, match=r"(?s)P05.*fails on .* in its features"):
        decide(Silent(error=np.nan), "bfloat16", FEATURES)


def test_float32_on_request_compares_nothing(with_bfloat16):
    assert decide(Rounding(error=1e-4), "float32") == Parity("float32", "float32")


def test_a_machine_without_bfloat16_takes_float32(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    assert decide(Rounding(), "auto") == Parity("auto", "float32")


def test_what_was_decided_holds_for_the_runs_that_follow(with_bfloat16, tmp_path):
    entry = Rounding(error=1e-4)
    predict(entry, [a_clip("v", 5)], tmp_path)
    first = open_store(tmp_path).record
    assert first["precision"] == "bfloat16"
    # other frames, on which the comparison would be another
    summary = predict(entry, [a_clip("u", 5), a_clip("v", 5)], tmp_path)
    assert (summary.made, summary.kept) == (1, 1)
    assert open_store(tmp_path).record == first


@pytest.mark.parametrize("compared", ["a word", {"deviation": 0.0}, {"deviation": 0.0, "frames": "x", "units": 1}])
def test_a_record_of_another_form_is_decided_anew(with_bfloat16, tmp_path, compared):
    predict(Rounding(), [a_clip("v", 5)], tmp_path)
    path = tmp_path / "entry.json"
    first = path.read_text()
    path.write_text(json.dumps({**json.loads(first), "compared": compared}))
    assert predict(Rounding(), [a_clip("v", 5)], tmp_path).made == 0
    assert path.read_text() == first


# an entry that errs where `late_clips` are marked
LATER = Rounding(more=40.0)
LATE = ["a", "b", "c", "d", "e"]


def late_clips(marks: bool = True):
    """Units without a mark on the frames that decide, and the watched frames of the fourth unit marked."""
    return [marked(unit, 300, watched_rows(unit, 300)[:1] if marks and unit == "d" else ()) for unit in LATE]


def files_of(root):
    return {
        path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name[0] != "."
    }


def run_predict(clips, out, options=DEFAULTS, entry=LATER):
    return predict(entry, clips, out, options)


def run_extract(clips, out, options=DEFAULTS, entry=LATER):
    return extract(
        FeatureMaker(entry, {"networks": [{"kind": "means", "seed": 0}]}), clips, out, options, dtype="float32"
    )


each_run = pytest.mark.parametrize("run", [run_predict, run_extract])


@each_run
def test_a_run_whose_watched_frames_differ_begins_again_in_float32_and_nothing_is_mixed(run, with_bfloat16, tmp_path):
    deciding = {clip.video: rows for clip, rows in spread_rows(late_clips())}
    assert not set(deciding["d"].tolist()) & set(watched_rows("d", 300).tolist())
    summary = run(late_clips(), tmp_path / "late")
    assert (summary.made, summary.kept, summary.left_out) == (5, 0, ())
    assert summary.parity.precision == "float32"
    assert summary.parity.exceeded
    assert summary.parity.compared.frames >= FRAMES
    assert [problem.rule for problem in summary.problems] == ["N51"]
    run(late_clips(), tmp_path / "exact", RunOptions(precision="float32"))
    late, exact = files_of(tmp_path / "late"), files_of(tmp_path / "exact")
    assert late.keys() == exact.keys()
    of_units = [path for path in late if path.suffix == ".parquet"]
    assert [late[path] for path in of_units] == [exact[path] for path in of_units]
    # and it stays so
    again = run(late_clips(), tmp_path / "late")
    assert (again.made, again.kept, again.problems, again.parity) == (0, 5, (), summary.parity)
    assert files_of(tmp_path / "late") == late


@each_run
def test_bfloat16_that_was_asked_for_stops_there_each_time(run, with_bfloat16, tmp_path):
    for _ in range(2):
        with pytest.raises(ProblemError, match=r"(?s)P05.*the last one d"):
            run(late_clips(), tmp_path / "late", RunOptions(precision="bfloat16"))


class Overflows(Rounding):
    """An entry that gives no number for a marked crop in bfloat16, or in any precision."""

    def forward(self, prepared):
        features = Means.encode(self, prepared)
        features[(prepared[:, 0, 0, 0] == MARK) & (self.precision in self.fails_in)] = np.nan
        return features

    fails_in: ClassVar[tuple[str, ...]] = ("bfloat16",)


class Fails(Overflows):
    fails_in = ("bfloat16", "float32")


@each_run
def test_a_unit_that_fails_in_bfloat16_alone_begins_the_run_again(run, with_bfloat16, tmp_path):
    # neither compared at first nor watched
    assert 5 not in {*next(iter(spread_rows(late_clips())))[1].tolist(), *watched_rows("d", 300).tolist()}
    clips = [marked(unit, 300, [5] if unit == "d" else ()) for unit in LATE]
    summary = run(clips, tmp_path / "run", entry=Overflows())
    assert (summary.made, summary.parity.precision, summary.parity.exceeded) == (5, "float32", True)
    assert "unit d: bfloat16 fails where float32 does not" in summary.problems[0].found
    with pytest.raises(ProblemError, match="P05"):
        run(clips, tmp_path / "asked", RunOptions(precision="bfloat16"), Overflows())
    # what fails in float32 as well is left out, as ever
    summary = run(clips, tmp_path / "fails", entry=Fails())
    assert (summary.made, summary.left_out, summary.parity.precision) == (4, ("d",), "bfloat16")
    assert [problem.rule for problem in summary.problems] == ["E14"]


def test_only_a_unit_on_which_the_entry_fails_is_tried_in_float32(with_bfloat16, monkeypatch, tmp_path):
    def no_picture(positions):
        raise ProblemError(Problem("F01", "no picture", "a picture", "bring it", "x.jpg"))

    tried: list[str] = []
    monkeypatch.setattr(precision.Comparer, "retry", lambda self, clip: tried.append(clip.video))
    clips = [marked("good", 30), replace(marked("unread", 30), source=no_picture), marked("fails", 300, [5])]
    assert predict(Overflows(), clips, tmp_path).left_out == ("unread", "fails")
    assert tried == ["fails"]


@each_run
def test_a_run_that_stays_in_bfloat16_says_what_was_watched(run, with_bfloat16, tmp_path):
    summary = run(late_clips(marks=False), tmp_path / "run")
    assert summary.parity.precision == "bfloat16"
    assert not summary.parity.exceeded
    expected = sum(len(watched_rows(unit, 300)) for unit in LATE)
    assert summary.watched == precision.Comparison(0.0, expected, 5)


@each_run
@pytest.mark.parametrize(
    ("marks", "frames"), [(False, 0), (False, 700), (True, 100), (True, 700), (True, 1300), (True, 2000), (True, 2800)]
)
def test_a_run_that_was_stopped_anywhere_ends_with_the_same_bytes(run, marks, frames, with_bfloat16, tmp_path):
    class Stopping(Rounding):
        left: ClassVar[list[int]] = [frames]

        def forward(self, prepared):
            self.left[0] -= len(prepared)
            if self.left[0] < 0:
                raise KeyboardInterrupt
            return super().forward(prepared)

    run(late_clips(marks), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(late_clips(marks), tmp_path / "stopped", entry=Stopping(more=40.0))
    run(late_clips(marks), tmp_path / "stopped")
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")
