from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory, clips_of_units
from abawbench.clips.feature_index import read_index
from abawbench.clips.features import clips_of_features, write_features
from abawbench.entries import Card, load_entry
from abawbench.entries.contract import encode_clip
from abawbench.inference import extract as room
from abawbench.inference.extract import extract
from abawbench.inference.feature_maker import FeatureMaker, feature_maker
from abawbench.inference.run import RunOptions
from abawbench.models.backbones import build
from abawbench.models.checkpoints import save_backbone
from abawbench.models.image_input import Overrides
from tests.inference.conftest import a_clip, write_crops

ROOT = Path(__file__).parents[2]
FLOAT32 = RunOptions(precision="float32")


CARD = Card("means", "a test", (), None)


@dataclass(frozen=True, eq=False)
class Means:
    """Sees the mean of each channel; counts what it looks at."""

    card: Card = CARD
    factor: float = 1.0
    looked: tuple[list[int], ...] = ([],)
    width: int = 3

    def at(self, device, precision):
        return self

    def prepare(self, crops):
        return crops

    def forward(self, prepared):
        self.looked[0].append(len(prepared))
        return prepared.reshape(len(prepared), -1, 3).mean(axis=1).astype(np.float32) * np.float32(self.factor)

    encode = forward

    def answer(self, seen, clip):
        raise AssertionError("features are not answers")

    predict = answer


def means(name: str = "means", **changes) -> FeatureMaker:
    network = {"kind": name, "seed": 0, "layer": -1, "pooling": "mean", "width": 3}
    return FeatureMaker(replace(Means(), looked=([],), **changes), {"networks": [network]})


def contents(cache: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(cache.iterdir()) if path.name not in (".lock", ".workers")}


def test_features_are_what_the_backbone_sees_and_keep_frames_times_and_gaps(tmp_path):
    clip = replace(a_clip("v", 6, missing=(0, 3)), time=np.arange(6) / 25)
    assert extract(means(), [clip, a_clip("w", 5)], tmp_path, RunOptions(batch=4), dtype="float32").made == 2
    found, _ = clips_of_features(tmp_path)
    assert (found.video, found.width, found.valid.tolist()) == ("v", 3, clip.valid.tolist())
    np.testing.assert_array_equal(found.frame, clip.frame)
    np.testing.assert_array_equal(found.time, clip.time)
    expected = clip.frames[clip.valid].reshape(4, -1, 3).mean(axis=1)
    np.testing.assert_allclose(found.vectors(), expected, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "error"), [("float16", 2**-11), ("bfloat16", 2**-8), ("float32", 0)])
def test_features_are_stored_within_half_a_step_of_their_type(tmp_path, dtype, error):
    clip = a_clip("v", 6)
    extract(means(), [clip], tmp_path, dtype=dtype)
    (found,) = clips_of_features(tmp_path)
    np.testing.assert_allclose(found.vectors(), encode_clip(Means(), clip), rtol=error)


def test_an_entry_answers_from_its_cache_as_from_crops(tmp_path):
    crops = write_crops(tmp_path / "crops", {"one": 5, "two": 3}, side=112)
    name = "2022_aim3_mtl-se-gru/tiny"
    extract(feature_maker(name), clips_of_units(crops), tmp_path / "cache", RunOptions("float32"), dtype="float32")
    entry = load_entry(name)
    for clip, features in zip(clips_of_units(crops), clips_of_features(tmp_path / "cache"), strict=True):
        expected, found = entry.predict(clip), entry.answer(features.vectors(), features)
        for task, given in expected.items():
            np.testing.assert_allclose(found[task], given, atol=1e-5)


def test_a_kind_and_its_checkpoint_give_the_same_features_in_two_identities(tmp_path):
    save_backbone(build("tiny_vit", seed=3), tmp_path / "vit.safetensors")
    drawn, brought = feature_maker("tiny_vit", seed=3), feature_maker(str(tmp_path / "vit.safetensors"))
    crops = a_clip("v", 4).frames
    np.testing.assert_array_equal(drawn.entry.encode(crops), brought.entry.encode(crops))
    assert "sha256" in brought.identity["networks"][0]
    assert drawn.identity != brought.identity


@pytest.mark.parametrize("ending", [".ckpt", ".pth.tar", ".model", ""])
def test_a_checkpoint_may_have_any_name(tmp_path, ending):
    network = build("tiny_vit", seed=3)
    save_backbone(network, tmp_path / "vit.safetensors")
    path = (tmp_path / "vit.safetensors").rename(tmp_path / f"epoch=3{ending}")
    assert feature_maker(str(path)).entry.width == network.card.width


def test_a_graph_in_place_of_a_checkpoint_is_told_to_become_an_entry(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07\x12\x04test")
    with pytest.raises(ProblemError, match=r"(?s)E04.*an ONNX graph.*entry new .* --kind onnx"):
        feature_maker(str(tmp_path / "net.onnx"))


def test_layer_and_size_change_what_is_seen_and_the_identity():
    crops = a_clip("v", 2).frames
    makers = [feature_maker("tiny_vit", Overrides(**more), seed=0) for more in ({}, {"layer": 1}, {"pooling": "mean"})]
    seen = [maker.entry.encode(crops) for maker in makers]
    assert not any(np.allclose(seen[0], other) for other in seen[1:])
    assert len({json.dumps(maker.identity) for maker in makers}) == 3


@pytest.mark.parametrize(
    ("name", "overrides", "rule"),
    [
        ("tiny_vit", None, "E11"),
        ("tiny_vitt", None, "E01.*tiny_vit"),
        ("none.pth", None, "F01"),
        ("2026_abawbench_hog", None, "C02"),
        ("2019_kollias_facebehaviornet/tiny", Overrides(layer=2), "C02.*--layer"),
    ],
)
def test_what_makes_no_features_is_refused(name, overrides, rule):
    with pytest.raises(ProblemError, match=f"(?s){rule}"):
        feature_maker(name, overrides)


def test_a_second_run_does_nothing(tmp_path, crops):
    extract(means(), clips_of_units(crops), tmp_path / "cache")
    before = contents(tmp_path / "cache")
    times = {name: (tmp_path / "cache" / name).stat().st_mtime_ns for name in before}
    maker = means()
    summary = extract(maker, clips_of_units(crops), tmp_path / "cache")
    assert (summary.made, summary.kept, maker.entry.looked) == (0, 3, ([],))
    assert contents(tmp_path / "cache") == before
    assert times == {name: (tmp_path / "cache" / name).stat().st_mtime_ns for name in before}


def test_a_changed_crop_is_noticed_and_only_its_unit_is_made_again(tmp_path, crops):
    extract(means(), clips_of_units(crops), tmp_path / "cache")
    before = contents(tmp_path / "cache")
    write_crops(tmp_path / "other", {"one": 1})
    (tmp_path / "other" / "one" / "00001.jpg").replace(crops / "three" / "00004.jpg")
    summary = extract(means(), clips_of_units(crops), tmp_path / "cache")
    after = contents(tmp_path / "cache")
    assert (summary.made, summary.kept) == (1, 2)
    assert {name for name in before if before[name] != after[name]} == {"three.safetensors", "index.json"}


def test_another_recipe_of_the_crops_makes_its_unit_again(tmp_path):
    clip, other = a_clip("v", 3), a_clip("w", 3)
    aligned, wide = (replace(clip, crop_recipe={"crop": crop}) for crop in ("aligned", "wide"))
    extract(means(), [aligned, other], tmp_path)
    assert extract(means(), [aligned, other], tmp_path).made == 0
    assert extract(means(), [wide, other], tmp_path).made == 1


def test_another_version_makes_everything_again_and_what_is_left_of_the_old_is_refused(tmp_path, monkeypatch):
    clips = [a_clip("v", 3), a_clip("w", 3)]
    extract(means(), clips, tmp_path)
    monkeypatch.setattr(room, "VERSION", "99")
    assert extract(means(), clips[:1], tmp_path).made == 1
    with pytest.raises(ProblemError, match=r"(?s)E21.*w\.safetensors.*stale") as refused:
        clips_of_features(tmp_path)
    assert len(refused.value.problems) == 1
    assert extract(means(), clips, tmp_path).made == 1
    assert len(clips_of_features(tmp_path)) == 2


def test_features_of_another_backbone_or_type_are_left_alone(tmp_path):
    extract(means(), [a_clip("v", 3)], tmp_path)
    before = contents(tmp_path)
    for maker, dtype in ((means("others"), "float16"), (means(), "float32")):
        with pytest.raises(ProblemError, match="E21"):
            extract(maker, [a_clip("v", 3)], tmp_path, dtype=dtype)
    assert contents(tmp_path) == before


def test_a_folder_that_holds_something_else_is_refused_untouched(tmp_path):
    write_features(tmp_path / "v.safetensors", np.arange(1, 4), np.zeros((3, 5), np.float32))
    with pytest.raises(ProblemError, match="E21"):
        extract(means(), [a_clip("v", 3)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["v.safetensors"]
    with pytest.raises(ProblemError, match="E06"):
        extract(means(), clips_of_features(tmp_path), tmp_path / "cache")


def test_crops_of_several_sizes_share_a_cache(tmp_path):
    rng = np.random.default_rng(0)
    clips = [clip_in_memory(f"v{side}", rng.integers(0, 256, (3, side, side, 3), np.uint8)) for side in (16, 8, 24)]
    assert extract(means(), clips, tmp_path).made == 3
    assert [clip.video for clip in clips_of_features(tmp_path)] == ["v16", "v24", "v8"]


def test_a_feature_too_large_for_its_type_leaves_out_its_unit_alone(tmp_path):
    dark = replace(a_clip("dark", 3), source=lambda positions: np.zeros((len(positions), 16, 16, 3), np.uint8))
    summary = extract(means(factor=1000.0), [dark, a_clip("bright", 3)], tmp_path)
    assert [problem.rule for problem in summary.problems] == ["E14"]
    assert "unit bright, frame 1" in summary.problems[0].found
    assert [clip.video for clip in clips_of_features(tmp_path)] == ["dark"]


def test_a_damaged_crop_leaves_out_its_unit_alone(tmp_path, crops):
    (crops / "three" / "00004.jpg").write_bytes(b"no picture")
    summary = extract(means(), clips_of_units(crops), tmp_path / "cache", RunOptions(batch=3))
    assert [problem.rule for problem in summary.problems] == ["F01"]
    assert [clip.video for clip in clips_of_features(tmp_path / "cache")] == ["one", "two"]


def test_the_precision_of_the_first_run_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.inference.precision.has_bfloat16", lambda device: True)
    first = extract(means(), [a_clip("v", 3)], tmp_path).parity
    assert first is not None
    assert first.precision == "bfloat16"
    monkeypatch.setattr("abawbench.inference.precision.has_bfloat16", lambda device: False)
    summary = extract(means(), [a_clip("v", 3), a_clip("w", 2)], tmp_path)
    assert summary.parity is not None
    assert (summary.made, summary.parity) == (1, first)
    assert extract(means(), [a_clip("v", 3)], tmp_path, FLOAT32).made == 1


PROGRAM = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from abawbench.clips.clip import clips_of_units
from abawbench.inference.extract import extract
from abawbench.inference.run import RunOptions
from tests.inference.test_extract import Means, means

class Slow(Means):
    def forward(self, prepared):
        time.sleep(0.004)
        return Means.forward(self, prepared)

maker = means()
object.__setattr__(maker, "entry", Slow())
extract(maker, clips_of_units(Path({crops!r})), Path({out!r}), RunOptions(batch=4))
"""


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(tmp_path):
    crops = write_crops(tmp_path / "crops", {f"u{place}": 3 + 5 * place for place in range(12)})
    extract(means(), clips_of_units(crops), tmp_path / "whole", RunOptions(batch=4))
    cache = tmp_path / "cache"
    program = PROGRAM.format(root=str(ROOT), crops=str(crops), out=str(cache))
    chance = random.Random(3)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", program], env=environment)
        begin, before = time.monotonic(), len(list(cache.glob("*.safetensors")))
        while len(list(cache.glob("*.safetensors"))) == before and time.monotonic() - begin < 30:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
        index = read_index(cache)
        assert index is not None
        # at most the last file is not yet in the journal
        assert [fault.state for fault in index.faults()] in ([], ["orphaned"])
    # a file that was begun, and a line that was cut off
    (cache / ".u3.safetensors.half").write_bytes(b"half")
    with (cache / ".index.jsonl").open("ab") as journal:
        journal.write(b'\n{"unit": "u1')
    extract(means(), clips_of_units(crops), cache, RunOptions(batch=4))
    assert contents(cache) == contents(tmp_path / "whole")


def test_units_of_a_killed_run_are_not_made_again(tmp_path):
    clips = [a_clip("v", 3), a_clip("w", 3)]
    extract(means(), clips, tmp_path)
    whole = contents(tmp_path)
    index = json.loads((tmp_path / "index.json").read_text())
    line = {"unit": "w", **index["units"].pop("w")}
    (tmp_path / "index.json").write_text(json.dumps(index))
    (tmp_path / ".index.jsonl").write_text("\n" + json.dumps(line))
    assert len(clips_of_features(tmp_path)) == 2
    summary = extract(means(), clips, tmp_path)
    assert (summary.made, summary.kept) == (0, 2)
    assert contents(tmp_path) == whole


def test_progress_counts_to_the_end(tmp_path, crops):
    told = []
    extract(means(), clips_of_units(crops), tmp_path / "cache", report=told.append)
    assert (told[-1].units, told[-1].frames) == ((3, 3), (15, 15))


def test_a_folder_without_an_index_of_faces_has_no_recipes(crops):
    assert [clip.crop_recipe for clip in clips_of_units(crops)] == [None] * 3
