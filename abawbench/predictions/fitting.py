"""Which clips an entry can take."""

from __future__ import annotations

from collections.abc import Sequence

from abawbench.data.clips import Clip
from abawbench.data.features import FeatureClip
from abawbench.entries.model import Entry, Staged
from abawbench.errors import Problem


def fitting(entry: Entry, clips: Sequence[Clip]) -> tuple[list[Clip], list[Problem]]:
    """Clips whose crops, or features, are what the card of an entry says it takes; E06 and P04 for the others."""
    picture, width = entry.card.picture, getattr(entry, "width", None)
    fitting: list[Clip] = []
    problems: list[Problem] = []
    for clip in clips:
        name = f"{entry.card.name}, unit {clip.video}, frame {int(clip.frame[0]) if len(clip) else 0}"
        if isinstance(clip, FeatureClip):
            if not isinstance(entry, Staged) or clip.width != width:
                expected = "crops" if width is None else f"{width} as the entry's networks make them"
                fix = "extract the features with the backbones of this entry"
                problems.append(Problem("P04", f"{name}: {clip.width} features a frame", expected, fix))
                continue
        elif picture is not None and clip.size != picture.size:
            found = f"{name}: crops of {clip.size} x {clip.size} pixels"
            expected = f"{picture.size} x {picture.size} ({picture.crop}), as its card says"
            problems.append(Problem("E06", found, expected, "align the faces to that size, or correct the card"))
            continue
        fitting.append(clip)
    return fitting, problems
