"""Faces in pictures and videos: found by YuNet, aligned to the 112 x 112 crop of recognition networks."""

from __future__ import annotations

from abawbench.clips.alignment import TEMPLATE, aligned_crop, similarity
from abawbench.clips.crop import CROP_SIZE
from abawbench.faces.detector import (
    WEIGHTS_NAME,
    WEIGHTS_SHA256,
    Detector,
    Face,
    crop_file,
    main_face,
    weights_path,
)

__all__ = [
    "CROP_SIZE",
    "TEMPLATE",
    "WEIGHTS_NAME",
    "WEIGHTS_SHA256",
    "Detector",
    "Face",
    "aligned_crop",
    "crop_file",
    "main_face",
    "similarity",
    "weights_path",
]
