from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from abawbench.base.problems import ProblemError
from abawbench.clips.features import clips_of_features, write_features


def test_features_read_back_as_they_were_written(tmp_path):
    feature = np.random.default_rng(0).random((4, 6)).astype(np.float32)
    valid = np.array([True, False, True, True])
    write_features(tmp_path / "v.safetensors", np.array([1, 2, 5, 6]), feature, valid)
    (clip,) = clips_of_features(tmp_path)
    assert (clip.video, clip.width, clip.frame.tolist()) == ("v", 6, [1, 2, 5, 6])
    np.testing.assert_array_equal(clip.valid, valid)
    np.testing.assert_array_equal(clip.vectors(), feature[valid])


def test_bfloat16_features_are_read(tmp_path):
    import torch
    from safetensors.torch import save_file as save_tensors

    feature = torch.randn(3, 2).bfloat16()
    save_tensors({"feature": feature}, tmp_path / "v.safetensors")
    (clip,) = clips_of_features(tmp_path)
    assert clip.frame.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(clip.vectors(), feature.float().numpy())


def test_the_digest_changes_with_the_features(tmp_path):
    digests: set[str] = set()
    for value in (0, 1):
        write_features(tmp_path / "v.safetensors", np.arange(3), np.full((3, 2), value, np.float32))
        digests.add(clips_of_features(tmp_path)[0].digest())
    assert len(digests) == 2


@pytest.mark.parametrize(
    "tensors",
    [
        {"other": np.zeros((3, 2), np.float32)},
        {"feature": np.zeros(3, np.float32)},
        {"feature": np.zeros((3, 2), np.float32), "frame": np.array([1, 3, 2])},
        {"feature": np.zeros((3, 2), np.float32), "frame": np.array([1, 2])},
        {"feature": np.zeros((3, 2), np.float32), "valid": np.array([True])},
    ],
)
def test_what_is_no_features_is_told(tmp_path, tensors):
    save_file(tensors, tmp_path / "v.safetensors")
    with pytest.raises(ProblemError, match="E04"):
        clips_of_features(tmp_path)


def test_all_damaged_files_are_told_at_once(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"short")
    (tmp_path / "b.safetensors").write_bytes(b"")
    with pytest.raises(ProblemError) as caught:
        clips_of_features(tmp_path)
    assert [problem.rule for problem in caught.value.problems] == ["E04", "E04"]


def test_a_folder_without_features_is_told(tmp_path):
    with pytest.raises(ProblemError, match="D30"):
        clips_of_features(tmp_path)


def test_pictures_of_features_are_told_to_be_missing(tmp_path):
    write_features(tmp_path / "v.safetensors", np.arange(3), np.zeros((3, 2), np.float32))
    with pytest.raises(ProblemError, match="E06"):
        clips_of_features(tmp_path)[0].read(np.arange(1))
