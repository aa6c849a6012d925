"""Feature folders that say something else than `extract` wrote: a problem or features, never another error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clips_of_units
from abawbench.clips.features import clips_of_features
from abawbench.inference.extract import extract
from abawbench.inference.feature_cache import open_cache, remove, summarise, verify
from tests.damage import changed_bytes, changed_fields, outcome
from tests.inference.conftest import write_crops
from tests.inference.test_extract import means


@pytest.fixture
def cache(tmp_path) -> Path:
    crops = write_crops(tmp_path / "crops", {"v": 3})
    extract(means(), clips_of_units(crops), tmp_path / "cache")
    return tmp_path / "cache"


def use(cache: Path) -> None:
    """Everything that reads a feature folder."""
    outcome(lambda: [clip.vectors() for clip in clips_of_features(cache)])
    outcome(lambda: summarise(cache))
    outcome(lambda: verify(open_cache(cache)))


def test_any_other_field_of_the_index_is_a_problem_or_of_no_account(cache):
    path = cache / "index.json"
    for record in changed_fields(json.loads(path.read_text())):
        path.write_text(json.dumps(record))
        use(cache)


@pytest.mark.parametrize("name", ["index.json", "v.safetensors"])
def test_files_with_other_bytes_are_a_problem_or_features(cache, name):
    path = cache / name
    for data in changed_bytes(path.read_bytes()):
        path.write_bytes(data)
        use(cache)


def test_features_with_other_bytes_and_no_index_are_a_problem_or_features(cache):
    (cache / "index.json").unlink()
    path = cache / "v.safetensors"
    for data in changed_bytes(path.read_bytes(), number=200):
        path.write_bytes(data)
        outcome(lambda: [clip.vectors() for clip in clips_of_features(cache)])


def test_a_unit_that_leads_to_another_folder_is_not_deleted(cache, tmp_path):
    path = cache / "index.json"
    record = json.loads(path.read_text())
    (tmp_path / "precious.safetensors").write_bytes(b"x")
    record["units"]["../precious"] = record["units"]["v"]
    path.write_text(json.dumps(record))
    with pytest.raises(ProblemError, match="E21"):
        remove(open_cache(cache), verify(open_cache(cache)))
    assert (tmp_path / "precious.safetensors").exists()


FEATURE = np.ones((3, 2), np.float32)
ODD = {
    "another rank": {"feature": FEATURE.ravel()},
    "whole numbers": {"feature": FEATURE.astype(np.int64)},
    "flags": {"feature": FEATURE.astype(bool)},
    "complex": {"feature": FEATURE.astype(np.complex64)},
    "no frame": {"feature": FEATURE, "frame": np.arange(2)},
    "real frames": {"feature": FEATURE, "frame": np.array([1.5, 2.5, 3.5])},
    "frames beyond 32 bits": {"feature": FEATURE, "frame": np.array([1, 2, 2**40])},
    "frames that fall": {"feature": FEATURE, "frame": np.array([3, 2, 1], np.uint64)},
    "frames below zero": {"feature": FEATURE, "frame": np.array([-3, -2, -1])},
    "other flags": {"feature": FEATURE, "valid": np.ones((3, 3), bool)},
    "other times": {"feature": FEATURE, "time": np.zeros(5)},
    "NaN": {"feature": FEATURE * np.nan},
    "infinity": {"feature": FEATURE * np.inf},
}


@pytest.mark.parametrize("name", ODD)
def test_tensors_that_are_no_features_are_refused(tmp_path, name):
    (tmp_path / "v.safetensors").write_bytes(save(ODD[name]))
    with pytest.raises(ProblemError, match=r"E04|E14"):
        [clip.vectors() for clip in clips_of_features(tmp_path)]


def test_features_of_a_device_are_refused(tmp_path):
    (tmp_path / "v.safetensors").symlink_to("/dev/zero")
    with pytest.raises(ProblemError, match="F01"):
        clips_of_features(tmp_path)
