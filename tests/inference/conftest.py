from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.clips.clip import Clip, clip_in_memory
from abawbench.entries import Card, ImageInput
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.outputs import activate_scores

TASKS = get("abaw4-mtl").tasks
SIDE = 16
CARD = Card(
    "2026_test_means",
    "a test",
    TASKS,
    ImageInput(SIDE, "RGB", crop="arcface-112"),
    licence="Apache-2.0",
    trained_on=("none",),
)


@dataclass(frozen=True, eq=False)
class Means:
    """Sees the mean of each channel, and scores every column by a fixed mixture of them."""

    card: Card = CARD

    def encode(self, crops):
        return crops.reshape(len(crops), -1, 3).mean(axis=1).astype(np.float32)

    def answer(self, seen, clip):
        width = {"va": 2, "expression": 8, "action_units": 12}
        scores = {
            task: np.sin(seen.astype(np.float64) @ np.arange(1, 3 * count + 1).reshape(3, count) / 50)
            for task, count in width.items()
        }
        return activate_scores(self.card.tasks, scores, clip)

    def predict(self, clip):
        return predict_frame_wise(self, clip)


def a_clip(video: str, frames: int, seed: int = 0, missing: tuple[int, ...] = ()) -> Clip:
    random = np.random.default_rng([seed, *video.encode()])
    valid = np.ones(frames, bool)
    valid[list(missing)] = False
    crops = random.integers(0, 256, (frames, SIDE, SIDE, 3), np.uint8)
    return clip_in_memory(video, crops, valid=valid)


def write_crops(root: Path, units: dict[str, int], side: int = SIDE) -> Path:
    random = np.random.default_rng(1)
    for unit, frames in units.items():
        (root / unit).mkdir(parents=True)
        for number in range(1, frames + 1):
            crop = random.integers(0, 256, (side, side, 3), np.uint8)
            cv2.imwrite(str(root / unit / f"{number:05d}.jpg"), crop)
    return root


def entry_with(**changes):
    """A Means entry whose methods are replaced."""
    kind = type("Changed", (Means,), changes)
    return kind(replace(CARD))


@pytest.fixture
def crops(tmp_path) -> Path:
    return write_crops(tmp_path / "crops", {"one": 5, "three": 9, "two": 1})
