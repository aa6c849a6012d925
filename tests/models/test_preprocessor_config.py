"""Pictures of a folder are those of transformers' own image processor, for backbones and classifiers alike."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.models.image_input import ImageInput, Overrides
from abawbench.models.preprocessor_config import FILE, read_image_input

transformers = pytest.importorskip("transformers")
pytest.importorskip("PIL")

# bytes are resized by the same Pillow and are equal; (byte x factor - mean) / std is computed in another order in
# float32, whose rounding is below 1e-6 of values up to 10, and a hundred times as much where std is squared
TOLERANCE = 2e-5
SIDES = (40, 96, 112)
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
SCALED = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}

CASES = {
    "vit": ("ViT", {"size": {"height": 48, "width": 48}}),
    "vit, a number for a size": ("ViT", {"size": 48, **SCALED}),
    "vit, as it is": ("ViT", {"size": {"height": 112, "width": 112}, "do_normalize": False}),
    "vit, not rescaled": ("ViT", {"size": 48, "do_rescale": False, "image_mean": [99.0] * 3, "image_std": [50.0] * 3}),
    "vit, another factor": ("ViT", {"size": 48, "rescale_factor": 1 / 127.5}),
    "clip": ("CLIP", {"size": {"shortest_edge": 57}, "crop_size": 48}),
    "clip, an even middle": ("CLIP", {"size": {"shortest_edge": 56}, "crop_size": {"height": 48, "width": 48}}),
    "bit": ("Bit", {"size": {"shortest_edge": 64}, "crop_size": 64, **SCALED}),
    "bit, not cut": ("Bit", {"size": {"shortest_edge": 64}, "do_center_crop": False}),
    "deit": ("DeiT", {"size": 64, "crop_size": 56}),
    "siglip": ("Siglip", {"size": {"height": 48, "width": 48}}),
    "mobilenet": ("MobileNetV2", {"size": {"shortest_edge": 64}, "crop_size": 56}),
    "mobilevit": ("MobileViT", {"size": {"shortest_edge": 72}, "crop_size": 64}),
    "mobilevit, not flipped": (
        "MobileViT",
        {"size": {"shortest_edge": 72}, "crop_size": 64, "do_flip_channel_order": False},
    ),
    "not resized": ("Bit", {"do_resize": False, "crop_size": 32}),
    "convnext": ("ConvNext", {"size": {"shortest_edge": 64}}),
    "convnext, its own share": ("ConvNext", {"size": {"shortest_edge": 64}, "crop_pct": 0.95, **SCALED}),
    "convnext, a number for a size": ("ConvNext", {"size": 64, "crop_pct": 0.8}),
    "convnext, large": ("ConvNext", {"size": {"shortest_edge": 384}, "crop_pct": 0.875}),
    "resnet, 256 and 224": ("ConvNext", {"size": {"shortest_edge": 224}, "crop_pct": 0.875, **SCALED}),
    "convnext, cut twice": (
        "ConvNext",
        {"size": {"shortest_edge": 64}, "crop_pct": 0.8, "do_center_crop": True, "crop_size": 56},
    ),
    "convnext, not resized": (
        "ConvNext",
        {"size": {"shortest_edge": 64}, "do_resize": False, "do_center_crop": True, "crop_size": 40},
    ),
    "efficientnet": ("EfficientNet", {"size": {"height": 64, "width": 64}}),
    "efficientnet, offset": ("EfficientNet", {"size": 64, "rescale_offset": True, "rescale_factor": 1 / 127.5}),
    "efficientnet, without its top": ("EfficientNet", {"size": 64, "rescale_offset": True, "include_top": False}),
    "efficientnet, not normalised": ("EfficientNet", {"size": 64, "do_normalize": False, "rescale_offset": True}),
    "efficientnet, cut": ("EfficientNet", {"size": 64, "do_center_crop": True, "crop_size": 56, "resample": 0}),
}


def crops_of(side):
    """Noise over a slope: filters differ in both."""
    generator = np.random.default_rng(side)
    slope = np.linspace(0, 155, side)[:, None, None] * np.ones((1, side, 3))
    return (slope + generator.uniform(0, 100, (3, side, side, 3))).astype(np.uint8)


def processor_of(kind, fields):
    return getattr(transformers, f"{kind}ImageProcessorPil")(**fields)


def read(folder, **options):
    record = json.loads((folder / FILE).read_text())
    return read_image_input(record, folder / FILE, channels=3, **options)


def expected_of(processor, crops):
    return np.stack(processor(list(crops), return_tensors="np")["pixel_values"])


@pytest.mark.parametrize(("case", "side"), list(product(CASES, SIDES)))
def test_pictures_are_those_of_the_processor(tmp_path, case, side):
    processor = processor_of(*CASES[case])
    processor.save_pretrained(tmp_path)
    found = read(tmp_path).pictures(crops_of(side))
    np.testing.assert_allclose(found, expected_of(processor, crops_of(side)), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("name", "side"), list(product(FILTERS, SIDES)))
def test_every_filter_is_pillows_to_the_bit(tmp_path, name, side):
    processor = processor_of("ViT", {"size": 57, "resample": FILTERS[name], "do_rescale": False, "do_normalize": False})
    processor.save_pretrained(tmp_path)
    expected = expected_of(processor, crops_of(side)).transpose(0, 2, 3, 1)
    image_input = read(tmp_path)
    assert image_input.resize == f"pillow-{name}"
    assert np.array_equal(image_input.resized(crops_of(side)), expected)


@pytest.mark.parametrize("kind", ["ViT", "ConvNext", "EfficientNet", "CLIP", "Bit", "MobileNetV1"])
def test_folders_of_the_auto_class_with_nothing_but_defaults(tmp_path, kind):
    processor_of(kind, {}).save_pretrained(tmp_path)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    crops = crops_of(112)
    np.testing.assert_allclose(
        read(tmp_path).pictures(crops), expected_of(processor, crops), rtol=TOLERANCE, atol=TOLERANCE
    )


@pytest.mark.parametrize("case", ["resnet, 256 and 224", "efficientnet, offset", "clip", "not resized"])
def test_a_backbone_and_a_classifier_of_one_folder_take_the_same_pictures(tmp_path, case):
    from abawbench import challenges
    from abawbench.entries.foreign.image_classifier import ImageClassifierSettings, create
    from abawbench.entries.model import Card
    from abawbench.models.checkpoints import load_checkpoint

    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", id2label={0: "sad", 1: "happy"}
    )
    transformers.ResNetForImageClassification(config).save_pretrained(tmp_path)
    processor = processor_of(*CASES[case])
    processor.save_pretrained(tmp_path)
    card = Card("2026_test_both", "test", (), None, licence="MIT")
    classifier = create(card, challenges.get("abaw4-mtl").tasks, ImageClassifierSettings(tmp_path))
    (image_input,) = classifier.encoder.image_inputs
    loaded = load_checkpoint(tmp_path)
    assert loaded.backbone.card.image_input == image_input
    crops = crops_of(96)
    np.testing.assert_allclose(
        image_input.pictures(crops), expected_of(processor, crops), rtol=TOLERANCE, atol=TOLERANCE
    )
    assert ("resize" in loaded.facts()) == (image_input.resize != "opencv")


REFUSED = {
    "the image processor LevitImageProcessor": {"image_processor_type": "LevitImageProcessor", "size": 48},
    "do_pad": {"size": 48, "do_pad": True},
    "crop_pct": {"size": 48, "crop_pct": 0.9},
    "rescale_offset": {"size": 48, "rescale_offset": True},
    "do_flip_channel_order": {"size": 48, "do_flip_channel_order": True},
    "do_resize = false": {"size": 48, "do_resize": False},
    "a middle of 40 in one of 47": {
        "image_processor_type": "ConvNextImageProcessor",
        "size": {"shortest_edge": 47},
        "crop_pct": 0.9,
        "do_center_crop": True,
        "crop_size": 40,
    },
    "of ConvNext": {"image_processor_type": "ConvNextImageProcessor", "size": {"height": 48, "width": 48}},
    "no image_std": {"size": 48, "image_std": None},
    "'resize_to': 48": {"size": 48, "do_center_crop": True, "crop_size": 64},
    "resample 9": {"size": 48, "resample": 9},
    "size None": {},
}


@pytest.mark.parametrize("found", REFUSED)
def test_what_cannot_be_followed_is_refused_and_never_ignored(tmp_path, found):
    (tmp_path / FILE).write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3, **REFUSED[found]}))
    with pytest.raises(ProblemError) as caught:
        read(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.file) == ("E04", str(tmp_path / FILE))
    assert found in problem.found
    given = Overrides(size=48, mean=(0.5,) * 3, std=(0.5,) * 3)
    assert read(tmp_path, overrides=given) == ImageInput(48, "RGB", (0.5,) * 3, (0.5,) * 3)


def test_a_folder_that_names_no_filter_is_resized_as_everywhere_here(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"size": 48, "image_mean": 0.5, "image_std": 0.25}))
    assert read(tmp_path) == ImageInput(48, "RGB", (0.5,) * 3, (0.25,) * 3)


def test_a_size_of_the_caller_takes_the_whole_crop_with_the_filter_of_the_folder(tmp_path):
    processor_of("CLIP", {"size": 64, "crop_size": 48}).save_pretrained(tmp_path)
    image_input = read(tmp_path, overrides=Overrides(size=32))
    assert (image_input.size, image_input.resize, image_input.resize_to) == (32, "pillow-bicubic", None)


def test_crops_that_may_not_be_resized_are_a_problem(tmp_path):
    processor_of("Bit", {"do_resize": False, "crop_size": 48}).save_pretrained(tmp_path)
    with pytest.raises(ProblemError, match=r"found crops of 40 pixels; expected 48 pixels or more"):
        read(tmp_path).resized(crops_of(40))


def test_grey_pictures_take_the_numbers_of_one_channel(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"size": 48, "image_mean": [0.5], "image_std": [0.25]}))
    record = json.loads((tmp_path / FILE).read_text())
    assert read_image_input(record, tmp_path / FILE, channels=1) == ImageInput(48, "grey", (0.5,), (0.25,))
