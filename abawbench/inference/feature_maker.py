"""The makers of features: a kind of backbone, a checkpoint, the backbones of an entry, or a layer that is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import load_entry
from abawbench.entries.entry_file import FILE
from abawbench.entries.failures import reporting_failures
from abawbench.entries.features import network_identity
from abawbench.entries.loading import CODE, find_entry_file
from abawbench.entries.model import Card, DeviceEntry, Entry, FeatureEntry, LayeredEntry, Trainable
from abawbench.entries.networks.compound import CompoundEntry
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.frame_encoder import EncoderAlone, FrameEncoder, freeze
from abawbench.entries.networks.network import NetworkEntry
from abawbench.inference.store import source_hashes
from abawbench.models.backbones import KINDS, Backbone, Overrides, build
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.image_input import ImageInput

CHECKPOINTS = (".pth", ".pt", ".bin", ".ckpt", ".safetensors")
CONFIG = "config.json"
# crops that show whether a layer gives the scores
TRIAL = 2


@dataclass(frozen=True, eq=False)
class FeatureMaker:
    """An entry whose forward pass makes features.

    Attributes:
        entry: the entry, whose features are no answers.
        identity: everything that the features depend on: networks, hashes or seeds of their weights, layer and pooling.
            Features of two identities never share a cache.
    """

    entry: FeatureEntry
    identity: Mapping[str, Any]


def feature_maker(
    name: str,
    overrides: Overrides | None = None,
    *,
    branch: str = "",
    layer: str | None = None,
    seed: int | None = None,
    root: Path = Path("submissions"),
) -> FeatureMaker:
    """Make the maker of features of this name.

    Args:
        name: kind of backbone, as `iresnet50` or `hf:convnext`; path of a checkpoint, or of a folder that transformers
            saved; or a name that `load_entry` takes.
        overrides: values that replace those of a kind or checkpoint; entries have their own.
        branch: part of a checkpoint that is meant, as `model_ema`, where it holds several networks.
        layer: number of a backbone's hidden layer; name of the layer of a `code` or `image-classifier` entry, or of the
            output of an `onnx` entry, instead of the one that the entry names.
        seed: seed of random weights, for a kind of backbone.
        root: folder of the submissions.

    Raises:
        ProblemError: E01 unknown name; E11 a kind without a seed, or an entry whose weights are missing; C02 an option
            that does not go with the name, an entry without a network that takes crops, no layer of that name, or one
            that gives the scores; E13 a layer that makes no row of numbers for each picture; E04 E08 E09 E10 E17 a
            checkpoint that cannot be read in this way.
    """
    overrides = overrides or Overrides()
    given_branch = ("branch",) if branch else ()
    if name in KINDS or name.startswith("hf:"):
        _refuse(name, "a kind, which has no file", given_branch)
        return _of_kind(name, _with_layer(overrides, layer), seed)
    path = Path(name)
    options = () if seed is None else ("seed",)
    if _is_checkpoint(path):
        _refuse(str(path), "a checkpoint", options)
        return _of_checkpoint(path, _with_layer(overrides, layer), branch)
    _refuse(name, "an entry, whose file sets it", (*overrides.given, *given_branch, *options))
    return _of_entry(_loaded(name, root), find_entry_file(name, root=root), layer)


def _of_kind(kind: str, overrides: Overrides, seed: int | None) -> FeatureMaker:
    if seed is None:
        fix = "name a checkpoint, or add --seed 0 for random weights"
        raise ProblemError(Problem("E11", f"no weights for {kind}", "a file of weights, or a seed", fix))
    backbone = build(kind, seed=seed, overrides=overrides)
    return _alone(kind, backbone, backbone.card.to_json(), seed)


def _of_checkpoint(path: Path, overrides: Overrides, branch: str) -> FeatureMaker:
    loaded = load_checkpoint(path, overrides=overrides, branch=branch)
    return _alone(path.name, loaded.backbone, loaded.facts(), None)


def _alone(name: str, backbone: Backbone, facts: Mapping[str, Any], seed: int | None) -> FeatureMaker:
    networks = ({**facts, **backbone.card.to_json()},)
    card = Card(name, f"the backbone {backbone.card.kind}", (), None, networks=networks)
    encoder = FrameEncoder(freeze([backbone]), (backbone.card.image_input,))
    return FeatureMaker(EncoderAlone(card, encoder, backbone.card.width), {"networks": [network_identity(facts, seed)]})


def _loaded(name: str, root: Path) -> Entry | Trainable:
    try:
        return load_entry(name, root=root)
    except ProblemError as error:
        fix = did_you_mean(name, KINDS, "")
        if error.problems[0].rule != "E01" or not fix:
            raise
        expected = "a kind of backbone, the path of a checkpoint, or an entry"
        raise ProblemError(Problem("E01", name, expected, fix)) from error


def _of_entry(entry: Entry | Trainable, source: Path | None, layer: str | None) -> FeatureMaker:
    if isinstance(entry, CompoundEntry):
        # its features are those of the entry below it
        entry = entry.basic
    code = {} if source is None else source_hashes(source)
    if isinstance(entry, LayeredEntry):
        return _of_layer(entry, code, layer or entry.features)
    if layer is not None:
        found = f"--layer {layer} with {entry.card.name}"
        raise ProblemError(Problem("C02", found, "an entry that has named layers", "leave it out"))
    if not isinstance(entry, DeviceEntry) or not entry.width or not entry.card.networks:
        found = f"{entry.card.name} has no network that takes crops"
        fix = "name a kind of backbone, a checkpoint, or another entry"
        raise ProblemError(Problem("C02", found, "an entry whose networks take crops", fix))
    seed: int | None = getattr(entry, "seed", None)
    if isinstance(entry, NetworkEntry | FaceBehaviorEntry):
        return FeatureMaker(entry, {"networks": [network_identity(facts, seed) for facts in entry.card.networks]})
    if entry.width == sum(task.width for task in entry.card.tasks):
        raise ProblemError(_scores(entry.card.name, "let encode give what lies below them"))
    return FeatureMaker(
        entry,
        {
            "networks": [dict(facts) for facts in entry.card.networks],
            "weights": [file.sha256 for file in entry.card.weights],
            "seed": seed,
            "source": code,
        },
    )


def _of_layer(entry: LayeredEntry, code: Mapping[str, str], layer: str) -> FeatureMaker:
    if not layer:
        known = entry.layers()
        outer = list(dict.fromkeys(name.partition(".")[0] for name in known))
        expected = f"a layer below its scores: {', '.join(outer) or 'it has none'}"
        fix = "name one with --layer, or in the entry as features"
        raise ProblemError(Problem("C02", f"{entry.card.name} names no features", expected, fix))
    with reporting_failures(f"{entry.card.name}, layer {layer}", "features of a trial"):
        made = entry.layer(layer)
        _refuse_scores(entry, made, layer)
    networks = [network_identity(facts, None) for facts in made.card.networks]
    # code decides what the layers do; files of other kinds are covered by the facts of the network
    return FeatureMaker(made, {"networks": networks, **({"source": dict(code)} if CODE in code else {})})


def _refuse_scores(entry: LayeredEntry, made: FeatureEntry, layer: str) -> None:
    """Refuse a layer that gives the scores of a task, or its answers. Raises: ProblemError C02."""
    size = ImageInput.from_json(made.card.networks[0]["intake"]).crop_size
    crops = np.random.default_rng(0).integers(0, 256, (TRIAL, size, size, 3), np.uint8)
    features, scores = made.encode(crops), entry.encode(crops)
    answers = entry.answer(scores, clip_in_memory("noise", crops))
    ends = np.cumsum([task.width for task in entry.card.tasks])
    candidates = [scores, *np.split(scores, ends[:-1], axis=1), *answers.values()]
    if any(one.shape == features.shape and np.allclose(one, features, rtol=1e-4, atol=1e-5) for one in candidates):
        raise ProblemError(_scores(f"layer {layer} of {entry.card.name}", "name a layer below them"))


def _scores(what: str, fix: str) -> Problem:
    return Problem("C02", f"{what}: final scores", "features, which lie below the scores", fix)


def _with_layer(overrides: Overrides, layer: str | None) -> Overrides:
    """Overrides with the number of a backbone's layer. Raises: ProblemError C02, another name."""
    if layer is None:
        return overrides
    try:
        return replace(overrides, layer=int(layer))
    except ValueError as error:
        expected = "the number of a hidden layer: 0 is the input of the first block, -1 the output of the last"
        raise ProblemError(Problem("C02", f"--layer {layer} of a backbone", expected, "name a number")) from error


def _is_checkpoint(path: Path) -> bool:
    if path.is_dir():
        return (path / CONFIG).is_file() and not (path / FILE).is_file()
    # training programs end the names of their checkpoints in many ways; an entry is the only other file
    return path.suffix in CHECKPOINTS or (path.is_file() and path.suffix != Path(FILE).suffix)


def _refuse(name: str, what: str, options: Sequence[str]) -> None:
    if options:
        found = f"{', '.join(f'--{option}' for option in options)} with {name}"
        raise ProblemError(Problem("C02", found, f"no such option with {what}", "leave it out"))
