"""config.json of timm's folders, against values worked by hand from timm's own evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.models.image_input import ImageInput
from abawbench.models.timm_config import is_timm, read_timm_input

FILE = Path("folder/config.json")
HALF = [0.5, 0.5, 0.5]
VALUES = {"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.9, "mean": HALF, "std": HALF}


def config(**changed):
    values = {name: value for name, value in {**VALUES, **changed}.items() if value != "nothing"}
    return {"architecture": "vit_base_patch16_224", "num_classes": 1000, "pretrained_cfg": values}


@pytest.mark.parametrize(
    ("changed", "image_input"),
    [
        ({}, ImageInput(224, "RGB", (0.5,) * 3, (0.5,) * 3, "pillow-bicubic", 248)),
        ({"crop_pct": 1.0}, ImageInput(224, "RGB", (0.5,) * 3, (0.5,) * 3, "pillow-bicubic")),
        ({"crop_pct": None, "interpolation": "bilinear"},
         ImageInput(224, "RGB", (0.5,) * 3, (0.5,) * 3, "pillow-bilinear", 256)),
        ({"interpolation": "nothing", "crop_pct": "nothing", "input_size": [3, 384, 384]},
         ImageInput(384, "RGB", (0.5,) * 3, (0.5,) * 3, "pillow-bicubic", 438)),
        ({"input_size": [1, 64, 64], "mean": [0.2], "std": [0.3], "crop_pct": 1},
         ImageInput(64, "grey", (0.2,), (0.3,), "pillow-bicubic")),
        ({"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "crop_mode": "squash"},
         ImageInput(224, "RGB", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "pillow-bicubic", 248)),
    ],
)  # fmt: skip
def test_pictures_are_those_of_timms_evaluation(changed, image_input):
    assert read_timm_input(config(**changed), FILE) == image_input


def test_values_at_the_top_as_old_versions_wrote_them_are_read():
    old = {"architecture": "densenet121", **VALUES}
    assert read_timm_input(old, FILE) == read_timm_input(config(), FILE)


@pytest.mark.parametrize("inner", [{"architecture": "x"}, {"architecture": "x", "pretrained_cfg": {"num_classes": 3}}])
def test_a_file_without_pictures_says_nothing(inner):
    assert read_timm_input(inner, FILE) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"input_size": [3, 224, 160]}, {"input_size": 224}, {"input_size": [3, 10**9, 10**9]}, {"mean": "nothing"},
        {"mean": [0.5]}, {"std": [0, 0, 0]}, {"std": ["a"] * 3}, {"crop_pct": -1}, {"crop_pct": 2},
        {"interpolation": "random"}, {"interpolation": ["bicubic"]}, {"crop_border_pixels": 4}, {"mean": [1e999] * 3},
    ],
)  # fmt: skip
def test_values_that_cannot_be_followed_are_refused_with_the_file(changed):
    with pytest.raises(ProblemError, match="E04") as caught:
        read_timm_input(config(**changed), FILE)
    assert caught.value.problems[0].file == str(FILE)


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (config(), True),
        ({**config(), "model_type": "timm_wrapper"}, True),
        ({**config(), "model_type": "vit"}, False),
        ({"model_type": "timm_wrapper"}, False),
        ({"architecture": ["vit"]}, False),
    ],
)
def test_a_file_of_timm_names_an_architecture_and_no_model_type_of_transformers(content, is_one):
    assert is_timm(content) == is_one
