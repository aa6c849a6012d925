from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.base.run_lock import only_run
from abawbench.clips.clip import clips_of_units
from abawbench.clips.crop import Crop
from abawbench.clips.crop_file import read_crop, write_crop
from abawbench.clips.images import read_image
from abawbench.clips.open import open_clips
from abawbench.inference.run import RunOptions
from abawbench.inference.synthesise import require_synthesiser, select_expressions, synthesise
from tests.inference.conftest import SIDE, Means, a_clip

EXPRESSIONS = ("Neutral", "Happiness", "Surprise")


@dataclass(frozen=True, eq=False)
class Brighter(Means):
    """Makes faces brighter by a step for each expression, without encoding anything."""

    expressions = EXPRESSIONS

    def encode(self, crops):
        raise AssertionError("nobody asked for answers")

    def synthesise(self, crops, expression):
        return crops // 2 + np.uint8(40 * EXPRESSIONS.index(expression))


def synthesised(clips, out, names=(), batch=2, entry=None):
    entry = entry or Brighter()
    return synthesise(entry, clips, out, select_expressions(entry, names), RunOptions(batch=batch))


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.*")) if path.is_file()}


def manifest(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "manifest.csv").read_text("utf-8").splitlines()))


@pytest.fixture
def described(crops):
    write_crop(crops, Crop("arcface-112", SIDE))
    return crops


def test_each_expression_is_a_folder_of_crops_of_the_same_units_and_kind(described, tmp_path):
    clips = clips_of_units(described)
    synthesised(clips, tmp_path / "out")
    for place, expression in enumerate(EXPRESSIONS):
        folder = tmp_path / "out" / expression
        assert read_crop(folder) == Crop("arcface-112", SIDE)
        again = open_clips(folder).clips
        assert [clip.video for clip in again] == [clip.video for clip in clips]
        for made, given in zip(again, clips, strict=True):
            np.testing.assert_array_equal(made.frame, given.frame)
            np.testing.assert_array_equal(made.frames, given.frames // 2 + 40 * place)


def test_names_of_expressions_may_be_synonyms_and_come_once_in_the_order_of_the_entry():
    assert select_expressions(Brighter(), ["SURPRISED", "happy", "happiness"]) == ("Happiness", "Surprise")
    assert select_expressions(Brighter(), []) == EXPRESSIONS


def test_every_unknown_expression_is_told_with_the_nearest_one():
    with pytest.raises(ProblemError) as error:
        select_expressions(Brighter(), ["hapiness", "happy", "sadness"])
    found = [(one.rule, one.found, one.fix) for one in error.value.problems]
    assert found == [
        ("C02", "--to hapiness", "did you mean happiness?"),
        ("C02", "--to sadness", "name another one, or another entry"),
    ]


def test_the_manifest_names_parent_target_entry_and_the_bytes_of_each_picture(described, tmp_path):
    import hashlib

    out = tmp_path / "out"
    synthesised(clips_of_units(described), out, ["happy"])
    rows = manifest(out)
    assert len(rows) == 15
    for row in rows:
        assert (row["synthetic"], row["target"], row["entry"]) == ("true", "Happiness", "2026_test_means")
        assert row["parent_id"] == f"{row['unit']}/{int(row['frame']):05d}"
        parent = (described / f"{row['parent_id']}.jpg").read_bytes()
        assert row["parent_sha256"] == hashlib.sha256(parent).hexdigest()
        assert row["sha256"] == hashlib.sha256((out / row["picture"]).read_bytes()).hexdigest()


def test_each_picture_says_that_it_is_synthetic(described, tmp_path):
    from PIL import Image

    synthesised(clips_of_units(described), tmp_path / "out", ["happy"])
    with Image.open(tmp_path / "out" / "Happiness" / "two" / "00001.png") as picture:
        said = json.loads(picture.info["Comment"])
    assert said == {
        "synthetic": True,
        "target": "Happiness",
        "parent_id": "two/00001",
        "entry": "2026_test_means",
    }


def test_a_second_run_makes_nothing_and_a_changed_unit_again(described, tmp_path):
    out = tmp_path / "out"
    synthesised(clips_of_units(described), out)
    before = contents(out)
    assert synthesised(clips_of_units(described), out).kept == 3
    assert contents(out) == before
    (described / "two" / "00001.jpg").write_bytes((described / "one" / "00001.jpg").read_bytes())
    summary = synthesised(clips_of_units(described), out)
    assert (summary.made, summary.kept) == (1, 2)
    np.testing.assert_array_equal(
        read_image(out / "Neutral" / "two" / "00001.png"), read_image(described / "two" / "00001.jpg") // 2
    )


def test_a_run_that_was_stopped_in_a_unit_ends_with_the_same_bytes(described, tmp_path):
    @dataclass(frozen=True, eq=False)
    class Tired(Brighter):
        calls: list[int] = field(default_factory=list)

        def synthesise(self, crops, expression):
            self.calls.append(1)
            if len(self.calls) == 12:
                raise KeyboardInterrupt
            return super().synthesise(crops, expression)

    clips = clips_of_units(described)
    synthesised(clips, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        synthesised(clips, tmp_path / "out", entry=Tired())
    assert len(manifest(tmp_path / "out")) == 15
    summary = synthesised(clips, tmp_path / "out")
    assert (summary.made, summary.kept) == (2, 1)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_folder_of_another_run_or_of_something_else_is_refused_and_left_alone(described, tmp_path):
    clips, out, other = clips_of_units(described), tmp_path / "out", tmp_path / "other"
    synthesised(clips, out, ["happy"])
    before = contents(out)
    with pytest.raises(ProblemError, match=r"P06 .*\n.*faces of other expressions"):
        synthesised(clips, out, ["surprise"])
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(ProblemError, match=r"P06 .*\n.*something else"):
        synthesised(clips, other)
    (out / "synthesis.json").write_text("{")
    with pytest.raises(ProblemError, match=r"P06 .*\n.*damaged"):
        synthesised(clips, out, ["happy"])
    assert contents(out) == {**before, "synthesis.json": b"{"}
    assert [path.name for path in other.iterdir()] == ["notes.txt"]


def test_a_second_run_at_the_same_time_is_refused(described, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with only_run(out), pytest.raises(ProblemError, match="D36"):
        synthesised(clips_of_units(described), out)


def test_frames_without_a_crop_get_no_picture(tmp_path):
    synthesised([a_clip("v", 5, missing=(0, 3))], tmp_path / "out", ["happy"])
    names = sorted(path.name for path in (tmp_path / "out" / "Happiness" / "v").iterdir())
    assert names == ["00002.png", "00003.png", "00005.png"]
    assert [row["parent_sha256"] for row in manifest(tmp_path / "out")] == ["", "", ""]


def test_units_that_fail_are_left_out_and_named(tmp_path):
    @dataclass(frozen=True, eq=False)
    class Picky(Brighter):
        def synthesise(self, crops, expression):
            made = super().synthesise(crops, expression)
            return made[:, :4] if len(crops) == 1 else made

    summary = synthesised([a_clip("v", 2), a_clip("w", 3)], tmp_path / "out", ["happy"], entry=Picky())
    assert summary.left_out == ("w",)
    assert [problem.rule for problem in summary.problems] == ["E13"]
    assert {row["unit"] for row in manifest(tmp_path / "out")} == {"v"}
    assert not (tmp_path / "out" / "Happiness" / "w").exists()


def test_crops_of_another_size_are_left_out(tmp_path):
    from abawbench.clips.clip import clip_in_memory

    odd = clip_in_memory("odd", np.zeros((2, 20, 20, 3), np.uint8))
    summary = synthesised([odd, a_clip("v", 2)], tmp_path / "out")
    assert (summary.left_out, summary.problems[0].rule) == (("odd",), "E06")


def test_an_entry_without_a_generator_is_refused():
    with pytest.raises(ProblemError, match="E23"):
        require_synthesiser(Means())


def test_the_sheet_shows_a_row_for_each_face_up_to_24(tmp_path):
    synthesised([a_clip("v", 3), a_clip("w", 2)], tmp_path / "few", ["happy"])
    synthesised([a_clip("v", 40)], tmp_path / "many", ["happy"])
    few, many = (read_image(tmp_path / name / "sheet.jpg") for name in ("few", "many"))
    heading, row = 2 * 18, 98
    assert few.shape == (heading + 5 * row, 110 + 2 * row, 3)
    assert many.shape == (heading + 24 * row, 110 + 2 * row, 3)
