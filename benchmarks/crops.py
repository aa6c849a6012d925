"""Crops of noise for the benchmarks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from abawbench.clips.images import encode_jpeg


def write_crops(root: Path, side: int, units: int, frames: int) -> list[Path]:
    """Write crops of smooth noise with the fine structure of a photograph, into the folders of some units."""
    random = np.random.default_rng(0)
    paths: list[Path] = []
    for unit in range(units):
        (root / f"unit{unit}").mkdir(parents=True)
        for number in range(1, frames + 1):
            coarse = random.integers(0, 256, (14, 14, 3)).astype(np.float32)
            smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
            crop = np.clip(smooth + random.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
            path = root / f"unit{unit}" / f"{number:05d}.jpg"
            path.write_bytes(encode_jpeg(crop))
            paths.append(path)
    return paths
