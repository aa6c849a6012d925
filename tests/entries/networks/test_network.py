from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import load_entry
from abawbench.entries.networks.network import NetworkEntry
from abawbench.models import backbones
from abawbench.models.checkpoints import save_backbone

HEAD = """\
name = "2026_test_net"
title = "a test"
kind = "network"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 48
colour = "RGB"
crop = "arcface-112"
"""
HEADS = "[settings.heads]\nhidden = [16]\n"
GRU = '[settings.temporal]\nencoder = "gru"\nwidth = 16\nlayers = 1\nsegment = 8\n'
TWO = '[[settings.backbones]]\nkind = "tiny_vit"\n[[settings.backbones]]\nkind = "tiny_resnet"\n'
ONE = '[[settings.backbones]]\nkind = "tiny_vit"\n'
RANDOM = "[settings]\nseed = 3\n"


def an_entry(root: Path, settings: str) -> NetworkEntry:
    folder = root / "2026_test_net"
    folder.mkdir(exist_ok=True)
    (folder / "entry.toml").write_text(HEAD + settings)
    entry = load_entry(folder)
    assert isinstance(entry, NetworkEntry)
    return entry


def problems_of(root: Path, settings: str) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        an_entry(root, settings)
    return [f"{problem.rule} {problem.found}" for problem in caught.value.problems]


def a_clip(frames: int = 12, missing: tuple[int, ...] = ()):
    valid = np.ones(frames, bool)
    valid[list(missing)] = False
    crops = np.random.default_rng(frames).integers(0, 256, (frames, 48, 48, 3), np.uint8)
    return clip_in_memory("v", crops, valid=valid)


def test_features_of_several_backbones_stand_end_to_end(tmp_path):
    entry = an_entry(tmp_path, RANDOM + TWO + GRU + HEADS)
    crops = a_clip().frames
    seen = entry.encode(crops)
    first, second = (backbones.build(kind, seed=3) for kind in ("tiny_vit", "tiny_resnet"))
    assert seen.shape == (12, first.card.width + second.card.width) == (12, entry.width)
    for backbone, part in ((first, seen[:, : first.card.width]), (second, seen[:, first.card.width :])):
        with torch.inference_mode():
            expected = backbone(torch.from_numpy(backbone.card.image_input.pictures(crops)))
        np.testing.assert_allclose(part, expected.numpy(), atol=1e-5)


def test_the_same_seed_gives_the_same_answers_and_another_does_not(tmp_path):
    clip = a_clip()
    first, again = (an_entry(tmp_path, RANDOM + TWO + GRU + HEADS).predict(clip) for _ in range(2))
    other = an_entry(tmp_path, "[settings]\nseed = 4\n" + TWO + GRU + HEADS).predict(clip)
    for task in first:
        np.testing.assert_array_equal(first[task], again[task])
        assert not np.allclose(first[task], other[task])


def test_a_frame_without_a_crop_counts_in_time_with_the_features_of_its_nearest(tmp_path):
    entry = an_entry(tmp_path, RANDOM + TWO + GRU + HEADS)
    whole = a_clip()
    crops = whole.frames.copy()
    crops[4], crops[5] = crops[3], crops[6]
    gap = clip_in_memory("v", whole.frames, valid=np.array([row not in (4, 5) for row in range(12)]))
    expected, found = entry.predict(clip_in_memory("v", crops)), entry.predict(gap)
    for task in found:
        assert np.isnan(found[task][4:6]).all()
        np.testing.assert_allclose(np.delete(found[task], [4, 5], 0), np.delete(expected[task], [4, 5], 0), atol=1e-6)


def test_bfloat16_changes_answers_by_rounding_alone_and_leaves_the_entry_as_it_is(tmp_path):
    entry = an_entry(tmp_path, RANDOM + TWO + GRU + HEADS)
    before = entry.predict(a_clip())
    rough = entry.at("cpu", "bfloat16").predict(a_clip())
    after = entry.predict(a_clip())
    for task in before:
        np.testing.assert_array_equal(before[task], after[task])
        np.testing.assert_allclose(before[task], rough[task], atol=0.02)
        assert not np.array_equal(before[task], rough[task])


def test_weights_from_files_are_on_the_card_with_their_hashes(tmp_path):
    backbone = backbones.build("tiny_vit", seed=9)
    save_backbone(backbone, tmp_path / "backbone.safetensors")
    drawn = an_entry(tmp_path, RANDOM + ONE + GRU + HEADS)
    save_file(drawn.network.state_dict(), tmp_path / "heads.safetensors")
    sha256 = hashlib.sha256((tmp_path / "backbone.safetensors").read_bytes()).hexdigest()
    settings = (
        f'[settings]\nweights = {{file = "{tmp_path}/heads.safetensors", licence = "MIT"}}\n'
        f'[[settings.backbones]]\nkind = "tiny_vit"\n'
        f'weights = {{file = "../backbone.safetensors", sha256 = "{sha256}", licence = "CC-BY-NC-4.0"}}\n'
    )
    entry = an_entry(tmp_path, settings + GRU + HEADS)
    assert [(file.role, file.file, file.licence) for file in entry.card.weights] == [
        ("backbone", "backbone.safetensors", "CC-BY-NC-4.0"),
        ("heads", "heads.safetensors", "MIT"),
    ]
    assert entry.card.weights[0].sha256 == sha256
    with torch.inference_mode():
        expected = backbone(torch.from_numpy(backbone.card.image_input.pictures(a_clip().frames)))
    np.testing.assert_allclose(entry.encode(a_clip().frames), expected.numpy(), atol=1e-5)


def test_everything_that_is_missing_is_told_at_once(tmp_path):
    settings = (
        '[[settings.backbones]]\nkind = "tiny_vit"\n[[settings.backbones]]\nkind = "iresnet50"\n'
        + 'weights = {file = "none.pth"}\n'
        + GRU
        + HEADS
    )
    assert problems_of(tmp_path, settings) == [
        "E11 no weights for backbone 1 (tiny_vit)",
        "E11 no such file",
        "E11 no weights for the heads",
    ]


def test_weights_of_another_architecture_are_told_tensor_by_tensor(tmp_path):
    entry = an_entry(tmp_path, RANDOM + TWO + GRU + HEADS)
    save_file(entry.network.state_dict(), tmp_path / "heads.safetensors")
    wider = GRU.replace("width = 16", "width = 24")
    found = problems_of(
        tmp_path, RANDOM + f'weights = {{file = "{tmp_path}/heads.safetensors"}}\n' + TWO + wider + HEADS
    )
    assert {problem[:3] for problem in found} == {"E08"}
    tensors = load_file(tmp_path / "heads.safetensors")
    save_file({**tensors, "more": torch.zeros(1)}, tmp_path / "heads.safetensors")
    found = problems_of(tmp_path, RANDOM + f'weights = {{file = "{tmp_path}/heads.safetensors"}}\n' + TWO + GRU + HEADS)
    assert found == ["E08 more (1,)"]


def test_another_file_than_the_hash_says_is_refused(tmp_path):
    save_backbone(backbones.build("tiny_vit", seed=9), tmp_path / "b.safetensors")
    settings = (
        '[[settings.backbones]]\nkind = "tiny_vit"\n'
        + f'weights = {{file = "{tmp_path}/b.safetensors", sha256 = "{"0" * 64}"}}\n'
    )
    assert problems_of(tmp_path, RANDOM + settings + GRU + HEADS)[0].startswith("E04 sha256")


def test_a_file_of_another_kind_than_the_entry_asks_for_is_refused(tmp_path):
    save_backbone(backbones.build("tiny_resnet", seed=9), tmp_path / "b.safetensors")
    settings = f'[[settings.backbones]]\nkind = "tiny_vit"\nweights = {{file = "{tmp_path}/b.safetensors"}}\n'
    assert problems_of(tmp_path, RANDOM + settings + GRU + HEADS) == ["E08 weights of tiny_resnet"]


@pytest.mark.parametrize("more", ["", TWO])
def test_an_entry_has_backbones_or_takes_features(tmp_path, more):
    settings = RANDOM + ("features = 7\n" if more else "") + more + GRU + HEADS
    assert problems_of(tmp_path, settings)[0].startswith("E02")


def test_an_entry_that_takes_features_concludes_from_them_and_refuses_crops(tmp_path):
    entry = an_entry(tmp_path, RANDOM + "features = 7\n" + GRU + HEADS)
    clip = a_clip(missing=(2,))
    answers = entry.answer(np.random.default_rng(0).random((11, 7), np.float32), clip)
    assert np.isnan(answers["va"][2]).all()
    assert np.isfinite(np.delete(answers["va"], 2, 0)).all()
    with pytest.raises(ProblemError, match="E06"):
        entry.predict(clip)


def test_time_in_frames_and_in_rows_differ_where_frames_are_left_out(tmp_path):
    crops = a_clip().frames
    sparse = clip_in_memory("v", crops, frame=np.arange(0, 60, 5, dtype=np.int32))
    dense = clip_in_memory("v", crops)
    transformer = (
        '[settings.temporal]\nencoder = "transformer"\nwidth = 16\nlayers = 1\nattention_heads = 2\nfeed_forward = 16\n'
    )
    rows = an_entry(tmp_path, RANDOM + TWO + transformer + HEADS)
    frames = an_entry(tmp_path, RANDOM + 'time = "frames"\n' + TWO + transformer + HEADS)
    np.testing.assert_array_equal(rows.predict(sparse)["va"], rows.predict(dense)["va"])
    np.testing.assert_allclose(frames.predict(dense)["va"], rows.predict(dense)["va"], atol=1e-6)
    assert not np.allclose(frames.predict(sparse)["va"], frames.predict(dense)["va"])


def test_a_feedback_graph_with_a_cycle_is_told_with_its_names(tmp_path):
    settings = (
        RANDOM
        + TWO
        + GRU.replace("layers = 1", "layers = 2")
        + '[settings.framework]\nkind = "feedback"\nprivate_layers = 1\n'
        + 'feedback = {arousal = ["valence"], valence = ["arousal"]}\n'
        + HEADS
    )
    (found,) = problems_of(tmp_path, settings)
    assert found.startswith("E17")
    assert "arousal -> valence -> arousal" in found or "valence -> arousal -> valence" in found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("width = 0", "E17 settings.temporal.width = 0"),
        ("dropout = 1.0", "E17 settings.temporal.dropout = 1.0"),
        ('encoder = "mamba"', "E02 settings.temporal.encoder = 'mamba'"),
    ],
)
def test_a_setting_out_of_range_is_told_with_its_place(tmp_path, line, found):
    assert problems_of(tmp_path, RANDOM + TWO + f"[settings.temporal]\n{line}\n" + HEADS) == [found]


def test_a_misspelt_setting_of_a_part_is_told_with_its_place(tmp_path):
    found = problems_of(tmp_path, RANDOM + TWO.replace("kind", "kid", 1) + GRU + HEADS)
    assert found == ["E02 field settings.backbones.0.kid"]
