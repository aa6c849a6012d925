"""Loads weights that come with a description of their network: transformers' folders and files of `save_backbone`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from abawbench.base.json_text import parse_json
from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.models.backbones import KINDS, Overrides, vision
from abawbench.models.backbones.vision import Config
from abawbench.models.checkpoints.fit import Fitted, Preset, build_kind, fit_own
from abawbench.models.checkpoints.read import CONFIG, Content
from abawbench.models.checkpoints.vision_files import fit_vision
from abawbench.models.checkpoints.vit import sized_kind
from abawbench.models.image_input import ImageInput
from abawbench.models.network_config import check_config
from abawbench.models.preprocessor_config import FILE as PREPROCESSING
from abawbench.models.preprocessor_config import read_image_input

# key of the text that `save_backbone` puts into the header of a safetensors file
OWN = "abawbench"


def fit_folder(
    content: Content, saved_config: Mapping[str, Any], tensors: Mapping[str, Tensor], overrides: Overrides, path: Path
) -> tuple[Fitted, str]:
    """Load a folder of transformers; the text says what it is, for a card.

    Args:
        content: content of the folder.
        saved_config: content of its config.json.
        tensors: weights by name.
        overrides: values that replace those of the folder.
        path: path of the folder, for messages.

    Raises:
        ProblemError: E10 a model type that is not known or takes no pictures; E04 values of config.json or
            preprocessor_config.json that cannot be followed; what `fit_vision` raises.
    """
    config = _config(saved_config, len(tensors))
    if content.preprocessing is not None:
        image_input = read_image_input(
            content.preprocessing,
            path / PREPROCESSING,
            channels=getattr(config, "num_channels", 3),
            overrides=overrides,
        )
        preset = Preset(image_input, PREPROCESSING)
    else:
        assumed = ("mean", "std") if getattr(config, "image_size", None) else ("size", "mean", "std")
        source = f"assumed: no {PREPROCESSING}, hence ImageNet, and the size of {CONFIG} or 224"
        preset = Preset(vision.assumed_image_input(config), source, assumed)
    model_type = config.model_type
    kind = f"{vision.PREFIX}{model_type}"
    if model_type in ("vit", "vit_mae"):
        prefix = "mae_" if model_type == "vit_mae" else ""
        kind = sized_kind(config.hidden_size, config.num_hidden_layers, config.patch_size, prefix=prefix)
    return fit_vision(kind, config, preset, overrides, tensors), f"transformers, folder of {model_type}"


def fit_saved(text: str, tensors: Mapping[str, Tensor], overrides: Overrides) -> Fitted:
    """Load a file of `save_backbone`.

    Args:
        text: description in the header of the file.
        tensors: weights by name.
        overrides: values that replace those of the description.

    Raises:
        ProblemError: E04 a damaged header, E10 a kind that is not known here, E08 other tensors than those of the kind.
    """
    try:
        saved = parse_json(text)
        kind, saved_config = str(saved["kind"]), saved["config"]
        if saved_config is not None and not isinstance(saved_config, dict):
            raise TypeError(saved_config)
        preset = Preset(ImageInput.from_json(saved), "saved with the weights")
        wanted = overrides.over(Overrides(layer=saved["layer"], pooling=saved["pooling"]))
    except (ValueError, KeyError, TypeError) as error:
        found = f"a damaged header ({type(error).__name__})"
        problem = Problem("E04", found, "a header as save_backbone writes it", "save it again with this version")
        raise ProblemError(problem) from error
    if saved_config is not None:
        config = _config(cast(dict[str, Any], saved_config), len(tensors))
        return fit_vision(kind, config, preset, wanted, tensors)
    if kind not in KINDS:
        found = f"a backbone '{kind}'"
        raise ProblemError(Problem("E10", found, near_names(kind, KINDS), "load it with a newer version"))
    return fit_own(build_kind(kind), tensors, preset, wanted)


def _config(saved: Mapping[str, Any], tensors: int) -> Config:
    from transformers import CONFIG_MAPPING

    model_type = saved.get("model_type")
    if not isinstance(model_type, str) or model_type not in CONFIG_MAPPING:
        found = f"model_type {json.dumps(model_type)}"
        fix = "name the weights file itself, or install a newer transformers"
        raise ProblemError(Problem("E10", found, "a model type of transformers", fix))
    check_config(saved, tensors)
    try:
        with vision.quiet():
            return CONFIG_MAPPING[model_type].from_dict(dict(saved))
    # each type checks its fields in its own way
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        expected = f"the configuration of a {model_type}"
        raise ProblemError(Problem("E04", found, expected, f"correct it in {CONFIG}")) from error
