"""Crops changed at random: what is drawn, and what becomes of the pixels."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from abawbench.models.image_input import ImageInput, half, imagenet
from abawbench.training.augmentation import Draws, augment, draw, normalise
from abawbench.training.settings import AugmentationSettings

STRONG = AugmentationSettings(
    rotation=20, translation=0.1, scale=0.1, brightness=0.3, contrast=0.3, saturation=0.3, grey=0.2, blur=0.5, erase=0.5
)
STILL = AugmentationSettings(flip=0.0)


def crops(count: int, side: int = 16) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def with_draws(count: int, **given: torch.Tensor) -> Draws:
    still = draw(STILL, count, generator())
    return Draws(**{field.name: getattr(still, field.name) for field in fields(still)} | given)


def unit(frames: torch.Tensor) -> torch.Tensor:
    return frames.permute(0, 3, 1, 2).float() / 255


def test_without_changes_crops_become_numbers_from_0_to_1():
    frames = crops(3)
    assert torch.equal(augment(frames, draw(STILL, 3, generator())), unit(frames))


def test_the_same_seed_makes_the_same_crops_and_leaves_torch_alone():
    before = torch.get_rng_state()
    first, second = (augment(crops(4), draw(STRONG, 4, generator(5))) for _ in range(2))
    other = augment(crops(4), draw(STRONG, 4, generator(6)))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_crops_are_left_as_they_are():
    frames = crops(4)
    augment(frames, draw(STRONG, 4, generator()))
    assert torch.equal(frames, crops(4))


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_pixels_stay_from_0_to_1(seed):
    pictures = augment(crops(4), draw(STRONG, 4, generator(seed)))
    assert pictures.shape == (4, 3, 16, 16)
    assert pictures.dtype == torch.float32
    assert ((pictures >= 0) & (pictures <= 1 + 1e-6)).all()


def test_a_flip_changes_left_and_right_exactly():
    frames = crops(2)
    pictures = augment(frames, with_draws(2, flip=torch.tensor([True, False])))
    assert torch.equal(pictures[0], unit(frames)[0].flip(2))
    assert torch.equal(pictures[1], unit(frames)[1])


def test_a_translation_moves_right_and_down_over_black():
    pictures = augment(crops(1), with_draws(1, translation=torch.tensor([[2 / 16, 3 / 16]])))
    expected = torch.zeros(1, 3, 16, 16)
    expected[:, :, 3:, 2:] = unit(crops(1))[:, :, :-3, :-2]
    assert torch.allclose(pictures, expected, atol=1e-4)


def test_a_quarter_turn_is_a_quarter_turn():
    pictures = augment(crops(1), with_draws(1, rotation=torch.tensor([90.0])))
    turned = unit(crops(1)).rot90(-1, (2, 3))
    assert torch.allclose(pictures, turned, atol=1e-3)


def test_a_scale_of_2_shows_the_middle():
    frame = torch.zeros(1, 17, 17, 3, dtype=torch.uint8)
    frame[:, 6:11, 6:11] = 255
    pictures = augment(frame, with_draws(1, scale=torch.tensor([2.0])))
    assert pictures[0, 0, 4:13, 4:13].min() == pytest.approx(1, abs=1e-4)
    assert pictures[0, 0, 0].max() == pytest.approx(0, abs=1e-4)


def test_colours_by_hand():
    frame = torch.full((1, 2, 2, 3), 51, dtype=torch.uint8)
    frame[..., 1:] = 0
    brighter = augment(frame, with_draws(1, brightness=torch.tensor([1.5])))
    assert brighter[0, :, 0, 0].tolist() == pytest.approx([0.3, 0, 0], abs=1e-6)
    grey = augment(frame, with_draws(1, saturation=torch.tensor([0.0])))
    assert grey[0, :, 0, 0].tolist() == pytest.approx([0.2 * 0.299] * 3, abs=1e-6)
    flat = augment(frame, with_draws(1, contrast=torch.tensor([0.0])))
    assert flat[0, :, 0, 0].tolist() == pytest.approx([0.2 * 0.299] * 3, abs=1e-6)


def test_blur_keeps_flat_crops_and_the_frames_without_it():
    flat = torch.full((1, 16, 16, 3), 100, dtype=torch.uint8)
    frames = torch.cat([crops(1), flat, crops(2)[1:]])
    pictures = augment(frames, with_draws(3, blur=torch.tensor([1.5, 1.5, 0.0])))
    assert pictures[0].std() < 0.5 * unit(frames)[0].std()
    assert torch.allclose(pictures[1], unit(flat)[0], atol=1e-5)
    assert torch.equal(pictures[2], unit(frames)[2])


def test_an_erased_rectangle_is_black_and_the_rest_is_not_touched():
    frames = crops(2).clamp_min(1)
    box = torch.tensor([[0.25, 0.5, 0.5, 1.0], [0.0, 0.0, 0.0, 0.0]])
    pictures = augment(frames, with_draws(2, erase=box))
    black = torch.zeros(16, 16).bool()
    black[8:16, 4:8] = True
    assert (pictures[0, :, black] == 0).all()
    assert torch.equal(pictures[0, :, ~black], unit(frames)[0, :, ~black])
    assert torch.equal(pictures[1], unit(frames)[1])


def test_rectangles_lie_in_the_crop_and_have_the_areas_that_are_said():
    box = draw(AugmentationSettings(erase=1.0), 2000, generator()).erase
    assert ((box >= 0) & (box <= 1 + 1e-6)).all()
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    assert area.min() >= 0.02 - 1e-6
    assert area.max() <= 0.2 + 1e-6


def test_draws_keep_to_their_ranges_and_rates():
    draws = draw(STRONG, 4000, generator())
    for values, most in (
        (draws.rotation, 20),
        (draws.translation, 0.1),
        (draws.scale - 1, 0.1),
        (draws.contrast - 1, 0.3),
    ):
        assert 0.98 * most < values.abs().max() <= most + 1e-6
        assert abs(values.mean()) < 0.05 * most
    rates = (draws.flip, draws.saturation == 0, draws.blur > 0, draws.erase[:, 2] > 0)
    assert [rate.float().mean().item() for rate in rates] == pytest.approx([0.5, 0.2, 0.5, 0.5], abs=0.03)


def test_one_setting_more_leaves_the_other_changes():
    plain = draw(AugmentationSettings(rotation=10), 6, generator())
    more = draw(AugmentationSettings(rotation=10, blur=1.0, erase=1.0), 6, generator())
    assert torch.equal(plain.flip, more.flip)
    assert torch.equal(plain.rotation, more.rotation)


def test_frames_of_a_clip_change_alike():
    clip = torch.tensor([0, 0, 1, 1, 1])
    frames = crops(1).expand(5, -1, -1, -1)
    pictures = augment(frames, draw(STRONG, 2, generator()).take(clip))
    assert torch.equal(pictures[0], pictures[1])
    assert torch.equal(pictures[2], pictures[4])
    assert not torch.equal(pictures[0], pictures[2])


def test_a_part_of_a_batch_is_changed_as_in_the_whole():
    draws, part = draw(STRONG, 6, generator()), torch.tensor([1, 3, 4])
    whole = augment(crops(6), draws)
    assert torch.allclose(augment(crops(6)[part], draws.take(part)), whole[part], atol=1e-6)


@pytest.mark.parametrize(
    "image_input",
    [imagenet(16), half(16, "BGR"), half(16, "grey"), ImageInput(16, "RGB", (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))],
)
def test_normalised_pictures_are_those_of_prediction(image_input):
    frames = crops(3)
    expected = image_input.pictures(frames.numpy())
    found = normalise(unit(frames), image_input)
    assert found.shape == expected.shape
    assert np.allclose(found.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("given", [{"flip": 1.5}, {"scale": 1.0}, {"rotation": 200.0}, {"shared": "video"}])
def test_settings_out_of_range_are_refused(given):
    with pytest.raises(ValidationError):
        TypeAdapter(AugmentationSettings).validate_python(given)
