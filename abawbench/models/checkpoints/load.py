"""Loads a checkpoint of any known layout as a backbone, with a record of the tensors that did not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones import Backbone, Overrides
from abawbench.models.checkpoints.branches import find_branch, tensors_of
from abawbench.models.checkpoints.fit import Fitted, Preset
from abawbench.models.checkpoints.folders import OWN, fit_folder, fit_saved
from abawbench.models.checkpoints.layouts import LAYOUTS
from abawbench.models.checkpoints.read import CONFIG, Content, read
from abawbench.models.checkpoints.tensors import check_tensors
from abawbench.models.timm_config import is_timm, read_timm_input


@dataclass(frozen=True, eq=False)
class Loaded:
    """A backbone with the weights of a file.

    Attributes:
        backbone: backbone in evaluation mode, in float32.
        layout: project whose names the file has, as "facebookresearch/mae, fine-tuned".
        sha256: hash of the file; of a folder, the hash of the names and bytes of config.json and the weights.
        branch: place of the network in the file, as `state_dict.model`; empty at the top.
        preset: source of size, colour, mean and std, and the names of those that the caller replaced.
        assumed: names of the values among these that nothing in the file says.
        missing: tensors that the file lacks and the network can do without.
        unexpected: tensors beside the network, as heads and decoders, and other dictionaries of the file.
    """

    backbone: Backbone
    layout: str
    sha256: str
    branch: str
    preset: str
    assumed: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Name of the backbone."""
        return self.backbone.card.kind

    def facts(self) -> dict[str, Any]:
        """The facts about the weights that a run keeps, ready for JSON."""
        card = self.backbone.card
        return {
            "sha256": self.sha256,
            "branch": self.branch,
            "kind": card.kind,
            "layout": self.layout,
            **card.image_input.to_json(),
            "mean": list(card.image_input.mean),
            "std": list(card.image_input.std),
            "layer": card.layer,
            "pooling": card.pooling,
            "width": card.width,
            "preset": self.preset,
            "assumed": list(self.assumed),
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
        }


def load_checkpoint(path: Path, *, overrides: Overrides | None = None, branch: str = "") -> Loaded:
    """Load the weights of a file or folder as a backbone, whatever its name is.

    Files may come from `save_backbone`; IResNet of insightface; ViT of facebookresearch/mae, timm or transformers;
    densenet121 of torchvision or timm; VGG-FACE, or VGG16 of torchvision; or DenseFace. Folders may hold any vision
    network that transformers saved, or one of the above that timm saved. The kind is recognised by the tensors;
    dictionaries and module names of training code around the network do not matter.

    Args:
        path: file of torch or safetensors, or a folder with config.json.
        overrides: values that replace those of the file, or of the preset of the kind.
        branch: part of the file that is meant, as `model_ema`, where it holds several networks.

    Raises:
        ProblemError: F01 nothing there, E04 no checkpoint or a damaged one, E09 a file that would run code, E11 a
            folder without weights, E22 weights that are not finite, E10 a network that cannot be read, or several, E08
            tensors missing, left over or of another shape, E17 overrides that the network cannot follow.
    """
    content = read(path)
    wanted = overrides or Overrides()
    try:
        fitted, layout, place = _fit(content, wanted, path, branch)
    except ProblemError as error:
        # a network does not know the file of its weights
        placed = [replace(problem, file=problem.file or str(path)) for problem in error.problems]
        raise ProblemError(*placed) from error
    return Loaded(
        backbone=fitted.backbone,
        layout=layout,
        sha256=content.sha256,
        branch=place,
        preset=f"{fitted.source}; overridden: {', '.join(wanted.given)}" if wanted.given else fitted.source,
        assumed=tuple(name for name in fitted.assumed if name not in wanted.given),
        missing=fitted.missing,
        unexpected=fitted.unexpected,
    )


def _fit(content: Content, overrides: Overrides, path: Path, wanted: str) -> tuple[Fitted, str, str]:
    """The network, the project whose names it has, and its place in the file."""
    config, own = content.config, content.metadata.get(OWN)
    if own is not None or (config is not None and not is_timm(config)):
        if wanted:
            found, expected = f"the branch {wanted} of a file that describes itself", "no branch"
            raise ProblemError(Problem("E10", found, expected, "leave it out"))
        tensors = tensors_of(content.tree)
        check_tensors(tensors, content.size, str(path))
        if own is not None:
            return fit_saved(own, tensors, overrides), OWN, ""
        assert config is not None
        return *fit_folder(content, config, tensors, overrides, path), ""
    layout, branch = find_branch(content.tree, LAYOUTS, wanted)
    check_tensors(branch.tensors, content.size, str(path))
    detected = layout.detect(branch)
    described, preset = detected.described, None
    if config is not None:
        described = f"timm, folder of {config['architecture']}"
        image_input = read_timm_input(config, path / CONFIG)
        preset = None if image_input is None else Preset(image_input, f"{CONFIG} of timm")
    fitted = layout.fit(branch, detected, preset, overrides)
    return replace(fitted, unexpected=(*fitted.unexpected, *branch.beside, *branch.apart)), described, branch.name
