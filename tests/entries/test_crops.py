from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.clips.clip import Clip, clip_in_memory, clips_of_units
from abawbench.clips.crop import ARCFACE, WIDE, Crop
from abawbench.clips.crop_file import write_crop
from abawbench.clips.features import FeatureClip, write_features
from abawbench.clips.open import open_clips
from abawbench.entries.contract import select_clips
from abawbench.entries.crops import crop_misfit, faces_command, undescribed_crops
from abawbench.entries.model import Card
from abawbench.models.image_input import ImageInput
from tests.inference.conftest import CARD, SIDE, Means, write_crops


def card_of(crop: str, size: int | None = SIDE) -> Card:
    return replace(CARD, picture=None if size is None else ImageInput(size, crop=crop))


def clip_of(crop: Crop | None, size: int = SIDE) -> Clip:
    clip = clip_in_memory("v", np.zeros((2, size, size, 3), np.uint8))
    return clip if crop is None else replace(clip, crop_recipe=crop.to_json())


def features_of(crop: Crop | None) -> FeatureClip:
    recipe = None if crop is None else crop.to_json()
    numbers = np.arange(2, dtype=np.int32)
    return FeatureClip("v", numbers, np.ones(2, bool), 0, lambda _: np.empty(0, np.uint8), crop_recipe=recipe, width=3)


@pytest.mark.parametrize(
    ("card", "clip"),
    [
        (card_of("wide"), clip_of(Crop("wide", SIDE))),
        (card_of(""), clip_of(Crop("wide", SIDE))),
        (card_of("wide"), clip_of(None)),
        (card_of("", None), clip_of(WIDE, 224)),
        (card_of("wide"), features_of(WIDE)),
        (card_of("wide"), features_of(None)),
    ],
)
def test_what_is_the_same_or_not_known_fits(card, clip):
    assert crop_misfit(card, clip) is None


@pytest.mark.parametrize(
    ("card", "clip", "found", "expected"),
    [
        (card_of("wide"), clip_of(Crop("arcface-112", SIDE)), "crops arcface-112 of 16 x 16 pixels", "wide of 16 x 16"),
        (card_of("eyes-1.5"), clip_of(Crop("eyes", SIDE, 1)), "crops eyes-1 of 16 x 16 pixels", "eyes-1.5 of 16 x 16"),
        (card_of("wide"), clip_of(Crop("wide", 9), 9), "crops wide of 9 x 9 pixels", "wide of 16 x 16 pixels"),
        (card_of(""), clip_of(None, 9), "crops of 9 x 9 pixels", "crops of 16 x 16 pixels, as its card says"),
        (card_of("wide"), features_of(ARCFACE), "features of crops arcface-112", "wide, as its card says"),
    ],
)
def test_another_crop_or_another_size_is_told_with_both(card, clip, found, expected):
    misfit = crop_misfit(card, clip)
    assert misfit is not None
    assert misfit[0] == found
    assert expected in misfit[1]


def test_networks_without_a_picture_on_the_card_ask_for_the_crops_they_were_trained_on():
    inputs = (ImageInput(112, crop="arcface-112"), ImageInput(224))
    networks = tuple({"sha256": "0", "intake": each.to_json()} for each in inputs)
    card = replace(CARD, picture=None, networks=networks)
    assert card.crop == "arcface-112"
    assert crop_misfit(card, clip_of(Crop("arcface-112", 224), 224)) is None
    assert crop_misfit(card, clip_of(WIDE, 224)) is not None
    assert replace(card, picture=ImageInput(224, crop="wide")).crop == "wide"


def test_networks_of_different_crops_ask_for_none():
    networks = tuple(
        {"sha256": "0", "intake": ImageInput(112, crop=crop).to_json()} for crop in ("arcface-112", "wide")
    )
    assert replace(CARD, picture=None, networks=networks).crop == ""


def test_random_weights_ask_for_no_crops():
    networks = ({"intake": ImageInput(112, crop="arcface-112").to_json()},)
    assert replace(CARD, picture=None, networks=networks).crop == ""


def test_the_command_makes_what_the_card_takes():
    assert faces_command(card_of("box-0.2", 48)) == "abawbench faces VIDEOS OUT --crop box-0.2 --size 48"
    assert faces_command(card_of("", None)) == "abawbench faces VIDEOS OUT"


def test_units_of_the_wrong_crop_are_left_out_one_by_one():
    clips = [clip_of(Crop("wide", SIDE)), clip_of(Crop("arcface-112", SIDE)), clip_of(None, 9)]
    selected, problems = select_clips(Means(), clips)
    assert selected == [clips[1]]
    assert [problem.rule for _, problem in problems] == ["E06", "E06"]
    assert problems[0][1].found == "2026_test_means, unit v, frame 1: crops wide of 16 x 16 pixels"


def test_crops_from_files_that_say_nothing_are_one_note(tmp_path):
    root = write_crops(tmp_path / "crops", {"one": 2, "two": 1})
    (note,) = undescribed_crops(CARD, clips_of_units(root))
    assert (note.rule, note.is_note, note.count) == ("N50", True, 2)
    assert note.fix == f'if they are that, write {{"crop": "arcface-112", "size": 16}} into {root / "crop.json"}'
    assert undescribed_crops(card_of(""), clips_of_units(root)) == ()
    # what the note says is what makes it go
    write_crop(root, Crop("arcface-112", SIDE))
    assert undescribed_crops(CARD, clips_of_units(root)) == ()


def test_crops_in_memory_and_features_need_no_description(tmp_path):
    write_features(tmp_path / "v.safetensors", np.arange(2), np.ones((2, 3), np.float32))
    assert undescribed_crops(CARD, [clip_of(None), *open_clips(tmp_path).clips]) == ()
