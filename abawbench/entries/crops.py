"""The crops that an entry takes by its card, compared with those that clips have."""

from __future__ import annotations

import json
from collections.abc import Sequence

from abawbench.base.problems import Problem, together
from abawbench.clips.clip import Clip
from abawbench.clips.crop_file import CROP_FILE
from abawbench.clips.features import FeatureClip
from abawbench.entries.model import Card


def crop_misfit(card: Card, clip: Clip) -> tuple[str, str, str] | None:
    """What a clip has, what a card takes, and the fix, where the crops differ in what they show or in size; else None.

    Of features, what their crops showed counts, and not the size. What is not known differs from nothing.
    """
    is_feature = isinstance(clip, FeatureClip)
    has_other_size = not is_feature and card.picture is not None and clip.size != card.picture.size
    has_other_name = bool(card.crop) and clip.crop is not None and clip.crop.name != card.crop
    if not has_other_size and not has_other_name:
        return None
    shown = "" if clip.crop is None else f" {clip.crop.name}"
    found = f"features of crops{shown}" if is_feature else f"crops{shown} of {clip.size} x {clip.size} pixels"
    sides = "" if is_feature or card.picture is None else f" of {card.picture.size} x {card.picture.size} pixels"
    is_on_card = card.picture is not None and (card.picture.crop or not card.crop)
    reason = "as its card says" if is_on_card else "on which its weights were trained"
    expected = f"{card.crop or 'crops'}{sides}, {reason}"
    again = ", then extract their features" if is_feature else ""
    return found, expected, f"cut the crops that it takes: {faces_command(card)}{again}"


def faces_command(card: Card) -> str:
    """The command that cuts the crops that an entry takes."""
    crop = f" --crop {card.crop}" if card.crop else ""
    size = "" if card.picture is None else f" --size {card.picture.size}"
    return f"abawbench faces VIDEOS OUT{crop}{size}"


def undescribed_crops(card: Card, clips: Sequence[Clip]) -> tuple[Problem, ...]:
    """One note on all clips from files that do not say what their crops show, N50, where the card of an entry does."""
    silent = [clip for clip in clips if clip.crop is None and not isinstance(clip, FeatureClip)]
    files = [] if not card.crop else [(clip, clip.files) for clip in silent if clip.files is not None]
    if not files:
        return ()
    first, list_files = files[0]
    place = next((str(file.parent.parent / CROP_FILE) for file in list_files()), CROP_FILE)
    text = json.dumps({"crop": card.crop, "size": first.size})
    found, expected = "crops that do not say what they show", f"{card.crop}, which {card.name} takes"
    note = Problem("N50", found, expected, f"if they are that, write {text} into {place}")
    return together((clip.video, note) for clip, _ in files)
