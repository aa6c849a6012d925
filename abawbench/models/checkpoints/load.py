"""Loads a checkpoint of any known layout as a backbone, with a record of the tensors that did not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from abawbench.base.json_text import parse_json
from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.models import backbones
from abawbench.models.backbones import KINDS, Backbone, iresnet, vision
from abawbench.models.backbones.presets import MAE_EPSILON
from abawbench.models.backbones.vision import Config, grid_of
from abawbench.models.checkpoints.layouts import (
    Detected,
    current_name,
    depth_of,
    detect,
    first_and_last,
    heads_of,
    mae_shapes,
    sized_kind,
    strip_prefixes,
    transformers_names,
    unwrap,
)
from abawbench.models.checkpoints.read import CONFIG, Content, read
from abawbench.models.checkpoints.tensors import check_tensors
from abawbench.models.image_input import ImageInput, Overrides, imagenet
from abawbench.models.network_config import check_config
from abawbench.models.preprocessor_config import FILE as PREPROCESSING
from abawbench.models.preprocessor_config import read_image_input

# key of the text that `save_backbone` puts into the header of a safetensors file
OWN = "abawbench"
SHOWN = 5
# epsilon of the layer norms in transformers' own ViT
_EPSILON = 1e-12
_HARMLESS = re.compile(r"(.*\.)?(num_batches_tracked|mask_token)")
_HEADS = re.compile(r"(.*\.)?(output_layer|head|heads|classifier|fc)\.(.*\.)?(weight|bias)")
# names that belong to the encoder of each layout: where one is left over, the file is of another network
_IRESNET = re.compile(r"(conv1|bn1|prelu|layer\d+|bn2|fc|features)\.")
_FEATURES = re.compile(r"features\.")
_MAE = re.compile(r"blocks\.|patch_embed\.|norm\.|dist_token")
_TRANSFORMERS = re.compile(r"(embeddings\.(?!mask_token)|encoder|layers)\b")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A backbone with the weights of a file.

    Attributes:
        backbone: backbone in evaluation mode, in float32.
        layout: project whose names the file has, as "facebookresearch/mae, fine-tuned".
        sha256: hash of the file; of a folder, the hash of the names and bytes of config.json and the weights.
        preset: source of size, colour, mean and std, and the names of those that the caller replaced.
        missing: tensors that the file lacks and the network can do without.
        unexpected: tensors of the file that the network does not have: heads and decoders.
        heads: unexpected tensors of linear layers after a backbone, as `head.weight` or `output_layer.bias`.
    """

    backbone: Backbone
    layout: str
    sha256: str
    preset: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    heads: Mapping[str, Tensor]

    @property
    def kind(self) -> str:
        """Name of the backbone."""
        return self.backbone.card.kind

    def facts(self) -> dict[str, Any]:
        """The facts about the weights that a run keeps, ready for JSON."""
        card = self.backbone.card
        return {
            "sha256": self.sha256,
            "kind": card.kind,
            "layout": self.layout,
            **card.image_input.to_json(),
            "mean": list(card.image_input.mean),
            "std": list(card.image_input.std),
            "layer": card.layer,
            "pooling": card.pooling,
            "width": card.width,
            "preset": self.preset,
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
        }


@dataclass(frozen=True, eq=False)
class _Fitted:
    backbone: Backbone
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def load_checkpoint(path: Path, *, overrides: Overrides | None = None) -> Loaded:
    """Load the weights of a file or folder as a backbone, whatever its name is.

    Files may come from `save_backbone`; IResNet of insightface; ViT of facebookresearch/mae, timm or transformers;
    densenet121 of torchvision or timm; or DenseFace. Folders may hold any vision network that transformers saved. The
    kind is recognised by the tensors; wrappers (`model`, `state_dict`) and prefixes (`module.`) of training code are
    removed.

    Args:
        path: file of type .pth, .pt, .bin or .safetensors, or a folder with config.json.
        overrides: values that replace those of the file, or of the preset of the kind.

    Raises:
        ProblemError: F01 nothing there, E04 no checkpoint or a damaged one, E09 a file that would run code, E11 a
            folder without weights, E22 weights that are not finite, E10 a network that cannot be read, E08 tensors
            missing, left over or of another shape, E17 overrides that the network cannot follow.
    """
    content = read(path)
    wanted = overrides or Overrides()
    try:
        tensors, fitted, layout, preset = _recognise(content, wanted, path)
    except ProblemError as error:
        # a network does not know the file of its weights
        placed = [replace(problem, file=problem.file or str(path)) for problem in error.problems]
        raise ProblemError(*placed) from error
    return Loaded(
        backbone=fitted.backbone,
        layout=layout,
        sha256=content.sha256,
        preset=f"{preset}; overridden: {', '.join(wanted.given)}" if wanted.given else preset,
        missing=fitted.missing,
        unexpected=fitted.unexpected,
        heads={name: tensors[name].clone() for name in fitted.unexpected if name in tensors and _HEADS.fullmatch(name)},
    )


def _recognise(content: Content, overrides: Overrides, path: Path) -> tuple[Mapping[str, Tensor], _Fitted, str, str]:
    """The tensors, the network, the layout and the source of the preset."""
    tensors = unwrap(content.tree)
    check_tensors(tensors, content.size, str(path))
    if content.config is not None:
        return tensors, *_folder(content, content.config, tensors, overrides, path)
    if OWN in content.metadata:
        return tensors, *_own(content.metadata[OWN], tensors, overrides)
    tensors = strip_prefixes(tensors)
    return tensors, *_detected(detect(tensors), tensors, overrides)


def _detected(detected: Detected, tensors: Mapping[str, Tensor], overrides: Overrides) -> tuple[_Fitted, str, str]:
    preset = f"preset of {detected.kind}"
    match detected.layout:
        case "mae":
            fitted = _mae(detected, tensors, overrides)
        case "transformers":
            fitted, preset = _without_config(detected, tensors, overrides), "assumed: RGB, ImageNet"
        case "iresnet" | "densenet":
            fitted = _plain(detected.kind, tensors, overrides)
    return fitted, detected.described, preset


def _plain(kind: str, tensors: Mapping[str, Tensor], overrides: Overrides) -> _Fitted:
    """Load a network of this package, whose names are those of the file."""
    named = {current_name(name): tensor for name, tensor in tensors.items()}
    with torch.device("meta"):
        if kind in iresnet.STRUCTURES:
            structure = iresnet.STRUCTURES[kind]
            if "fc.weight" in tensors:
                structure = replace(structure, embedding=first_and_last(tensors["fc.weight"])[0])
            network: Backbone = iresnet.make(kind, structure, overrides)
        else:
            network = backbones.build(kind, overrides=overrides)
    expected = network.state_dict()
    shapes = {name: tuple(value.shape) for name, value in expected.items()}
    missing, unexpected = _compare(shapes, named, _IRESNET if kind in iresnet.STRUCTURES else _FEATURES, kind)
    copied = {name: _copied(named[name], expected[name]) for name in shapes if name in named}
    copied |= {name: torch.zeros(shapes[name], dtype=expected[name].dtype) for name in missing}
    # the network lies on the meta device, hence the tensors are assigned and not copied
    network.load_state_dict(copied, assign=True)
    return _Fitted(network, missing, unexpected)


def _mae(detected: Detected, tensors: Mapping[str, Tensor], overrides: Overrides) -> _Fitted:
    width, patch = first_and_last(tensors["patch_embed.proj.weight"])
    depth = depth_of(tensors, r"blocks\.(\d+)\.")
    hidden, _ = (
        first_and_last(tensors["blocks.0.mlp.fc1.weight"]) if "blocks.0.mlp.fc1.weight" in tensors else (4 * width, 0)
    )
    grid = grid_of(tensors["pos_embed"]) if "pos_embed" in tensors else 0
    shapes = mae_shapes(
        width, depth, patch=patch, tokens=1 + grid * grid, hidden=hidden, has_fc_norm="fc_norm.weight" in tensors
    )
    _, unexpected = _compare(shapes, tensors, _MAE, detected.kind)
    config = _vit_config(width, depth, patch=patch, grid=grid, hidden=hidden, epsilon=MAE_EPSILON)
    network, _ = vision.load(detected.kind, config, _pictures(grid, patch), overrides, transformers_names(tensors))
    return _Fitted(network, (), unexpected)


def _without_config(detected: Detected, tensors: Mapping[str, Tensor], overrides: Overrides) -> _Fitted:
    width, patch = first_and_last(tensors["embeddings.patch_embeddings.projection.weight"])
    depth = depth_of(tensors, r"encoder\.layer\.(\d+)\.")
    grid = grid_of(tensors["embeddings.position_embeddings"])
    name = "encoder.layer.0.intermediate.dense.weight"
    hidden, _ = first_and_last(tensors[name]) if name in tensors else (4 * width, 0)
    config = _vit_config(width, depth, patch=patch, grid=grid, hidden=hidden, epsilon=_EPSILON)
    fitted = _vision(detected.kind, config, _pictures(grid, patch), overrides, tensors)
    _refuse_left_over(fitted.unexpected, _TRANSFORMERS, detected.kind)
    return fitted


def _pictures(grid: int, patch: int) -> ImageInput:
    try:
        return imagenet(grid * patch)
    except ValueError as error:
        found, expected = f"a grid of {grid} patches of {patch} pixels", "patches of pictures"
        raise ProblemError(Problem("E10", found, expected, "name another file")) from error


def _vit_config(width: int, depth: int, *, patch: int, grid: int, hidden: int, epsilon: float) -> Config:
    from transformers import ViTConfig

    return ViTConfig(
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads_of(width),
        intermediate_size=hidden,
        patch_size=patch,
        image_size=grid * patch,
        layer_norm_eps=epsilon,
    )


def _folder(
    content: Content, saved_config: Mapping[str, Any], tensors: Mapping[str, Tensor], overrides: Overrides, path: Path
) -> tuple[_Fitted, str, str]:
    config = _config(saved_config, len(tensors))
    if content.preprocessing is not None:
        image_input = read_image_input(
            content.preprocessing,
            path / PREPROCESSING,
            channels=getattr(config, "num_channels", 3),
            overrides=overrides,
        )
        preset = PREPROCESSING
    else:
        image_input = vision.assumed_image_input(config)
        preset = f"assumed: no {PREPROCESSING}, hence ImageNet, and the size of {CONFIG} or 224"
    model_type = config.model_type
    kind = f"{vision.PREFIX}{model_type}"
    if model_type in ("vit", "vit_mae"):
        prefix = "mae_" if model_type == "vit_mae" else ""
        kind = sized_kind(config.hidden_size, config.num_hidden_layers, config.patch_size, prefix=prefix)
    fitted = _vision(kind, config, image_input, overrides, tensors)
    return fitted, f"transformers, folder of {model_type}", preset


def _own(text: str, tensors: Mapping[str, Tensor], overrides: Overrides) -> tuple[_Fitted, str, str]:
    try:
        saved = parse_json(text)
        kind, saved_config = str(saved["kind"]), saved["config"]
        if saved_config is not None and not isinstance(saved_config, dict):
            raise TypeError(saved_config)
        image_input = ImageInput.from_json(saved)
        read = Overrides(layer=saved["layer"], pooling=saved["pooling"])
    except (ValueError, KeyError, TypeError) as error:
        found = f"a damaged header ({type(error).__name__})"
        problem = Problem("E04", found, "a header as save_backbone writes it", "save it again with this version")
        raise ProblemError(problem) from error
    wanted = overrides.over(read)
    if saved_config is not None:
        fitted = _vision(kind, _config(cast(dict[str, Any], saved_config), len(tensors)), image_input, wanted, tensors)
    elif kind in KINDS:
        own = Overrides.of(image_input)
        fitted = _plain(kind, tensors, wanted.over(own))
    else:
        found = f"a backbone '{kind}'"
        raise ProblemError(Problem("E10", found, near_names(kind, KINDS), "load it with a newer version"))
    return fitted, "abawbench", "saved with the weights"


def _vision(
    kind: str, config: Config, image_input: ImageInput, overrides: Overrides, tensors: Mapping[str, Tensor]
) -> _Fitted:
    """Load a network of transformers, by names that this version writes or that older ones wrote."""
    network, misfit = vision.load(kind, config, image_input, overrides, tensors)
    missing = [name for name in misfit.missing if not _HARMLESS.fullmatch(name)]
    problems = [_missing(missing, kind)] if missing else []
    problems += [_shape(name, found, expected) for name, found, expected in misfit.shapes]
    if problems:
        raise ProblemError(*problems)
    return _Fitted(network, misfit.missing, misfit.unexpected)


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


def _compare(
    expected: Mapping[str, tuple[int, ...]],
    tensors: Mapping[str, Tensor],
    trunk: re.Pattern[str],
    kind: str,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that are missing without harm, and those left over; raises E08 for all others."""
    absent = [name for name in expected if name not in tensors]
    harmless = tuple(name for name in absent if _HARMLESS.fullmatch(name))
    missing = [name for name in absent if name not in harmless]
    problems = [_missing(missing, kind)] if missing else []
    problems += [
        _shape(name, tuple(tensors[name].shape), shape)
        for name, shape in expected.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    if problems:
        raise ProblemError(*problems)
    unexpected = tuple(name for name in tensors if name not in expected)
    _refuse_left_over(unexpected, trunk, kind)
    return harmless, unexpected


def _refuse_left_over(unexpected: Iterable[str], trunk: re.Pattern[str], kind: str) -> None:
    left = [name for name in unexpected if trunk.match(name)]
    if left:
        found = f"{len(left)} tensors that {kind} does not have: {_first(left)}"
        expected = "no more than its own, a head and a decoder"
        fix = "it is a variant of that network, which is not read here: name another file"
        raise ProblemError(Problem("E08", found, expected, fix, count=len(left)))


def _missing(names: list[str], kind: str) -> Problem:
    found = f"{len(names)} tensors missing: {_first(names)}"
    return Problem("E08", found, f"all tensors of {kind}", "fetch the whole file", count=len(names))


def _shape(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> Problem:
    return Problem("E08", f"{name} of shape {found}", f"shape {expected}", "name a file of that network")


def _first(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _copied(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor.to(like.dtype, copy=True).contiguous()
