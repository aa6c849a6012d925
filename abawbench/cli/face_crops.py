"""Faces of videos and pictures, for verbs that take crops."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from abawbench.cli.meter import Meter
from abawbench.cli.output import say

if TYPE_CHECKING:
    from abawbench.entries import Card


def faces_of(data: Path, out: Path, card: Card, weights: Path | None) -> Path:
    """The folder under `out` that the faces of videos and pictures went to, in the size that a card asks for.

    Raises:
        ProblemError: E06 there are no crops of that size, P03 no face was found; what `crop_faces` raises.
    """
    from abawbench.base.problems import Problem, ProblemError, render
    from abawbench.clips.alignment import FIELDS
    from abawbench.faces.run import crop_faces
    from abawbench.faces.video_crops import FaceSettings
    from abawbench.inference.store_layout import FACES

    size = 112 if card.picture is None else card.picture.size
    crop = next((name for name, field in FIELDS.items() if field.size == size), None)
    if crop is None:
        sizes = " or ".join(f"{field.size}" for field in FIELDS.values())
        found = f"{card.name} takes crops of {size} pixels"
        raise ProblemError(Problem("E06", found, f"{sizes} pixels, as faces makes them", "make the crops yourself"))
    meter = Meter("videos")
    folder = out / FACES
    folder.mkdir(parents=True, exist_ok=True)
    say(f"faces: {data} into {folder}")
    summary = crop_faces(
        data,
        folder,
        FaceSettings(crop=crop),
        weights=weights,
        report=lambda at: meter.show(at.videos, at.frames, at.seconds),
    )
    meter.end()
    if summary.problems:
        say(render(summary.problems))
    if not summary.crops:
        raise ProblemError(
            Problem("P03", "no face in any frame", "one face at least", "look at audit.html", str(folder))
        )
    return folder
