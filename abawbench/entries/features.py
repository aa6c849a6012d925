"""The features that an entry answers from, compared with those that clips have."""

from __future__ import annotations

from abawbench.clips.features import FeatureClip
from abawbench.entries.model import Entry, FeatureEntry, LayeredEntry


def feature_misfit(entry: Entry, clip: FeatureClip) -> tuple[str, str, str] | None:
    """What a clip has, what an entry takes, and the fix, where it cannot answer from these features; else None."""
    found = f"{clip.width} features a frame"
    if isinstance(entry, LayeredEntry):
        return found, "crops: it makes scores of crops, and none of features", "name the folder of crops"
    if not isinstance(entry, FeatureEntry):
        return found, "crops", "name the folder of crops"
    if clip.width != entry.width:
        fix = "extract the features with the networks of this entry"
        return found, f"{entry.width} as the entry's networks make them", fix
    return None
