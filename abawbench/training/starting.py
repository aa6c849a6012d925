"""What a training starts from: the files of weights that are there; it draws or does without the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.clips.clip import Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.entry_file import EntryFile, read_settings
from abawbench.entries.model import no_file
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntrySettings
from abawbench.entries.networks.fersnet import FersNetEntrySettings
from abawbench.entries.networks.frame_encoder import BackboneSettings
from abawbench.entries.networks.network import NetworkSettings
from abawbench.models import backbones
from abawbench.models.checkpoints.fit import require_tensors
from abawbench.models.checkpoints.tensors import check_tensors, read_state
from abawbench.models.fersnet.network import DECODER, FersNet
from abawbench.models.image_input import Overrides
from abawbench.models.settings import CouplingSettings
from abawbench.table import Table
from abawbench.training.optimisers import copy_tensors

# kinds of entries that can be trained, with their settings
SETTINGS: dict[str, type[NetworkSettings | FaceBehaviorEntrySettings | FersNetEntrySettings]] = {
    "network": NetworkSettings,
    "facebehaviornet": FaceBehaviorEntrySettings,
    "fersnet": FersNetEntrySettings,
}


def starting_content(content: EntryFile, path: Path, clips: Sequence[Clip], seed: int) -> tuple[EntryFile, list[str]]:
    """The content of an entry file from which its training starts.

    A file of heads is what a training makes: where it is not there yet, the heads are drawn. A width of features that
    is left open is that of the data. Features stand for backbones whose files are not there, and the trained entry
    takes features. Every other file has to be there.

    Args:
        content: content of the file of an entry of a kind in `SETTINGS`.
        path: path of the file.
        clips: clips of the data, all of crops or all of features.
        seed: seed of the training, with which every part without a file is drawn.

    Returns:
        The content, and a sentence for the user about each file that is not there.

    Raises:
        ProblemError: E02, E17 as `abawbench.entries.loading.make_entry`; E01, E17 a backbone that cannot be built; E19
            crops for an entry that takes features of any width.
    """
    settings: dict[str, Any] = {"seed": seed, **content.settings}
    told: list[str] = []
    kind = SETTINGS[content.kind]
    out_of_range = getattr(kind, "OUT_OF_RANGE", "E02")
    read = read_settings(kind, settings, path, out_of_range=out_of_range)
    if read.weights is not None and not read.weights.file.is_file():
        del settings["weights"]
        drawn = "the network starts" if content.kind == "fersnet" else "the heads start"
        told.append(f"no {read.weights.file.name} yet: {drawn} from seed {read.seed}")
    if not isinstance(read, NetworkSettings):
        return content.model_copy(update={"settings": settings}), told
    first = clips[0]
    if read.features == 0:
        if not isinstance(first, FeatureClip):
            fix = "name folders of features: abawbench extract makes them"
            raise ProblemError(Problem("E19", "crops for an entry that takes features", "features", fix, str(path)))
        settings["features"] = first.width
    absent = [part.weights.file.name for part in read.backbones if part.weights and not part.weights.file.is_file()]
    if absent and isinstance(first, FeatureClip) and all(part.kind for part in read.backbones):
        width = sum(_width(part) for part in read.backbones)
        del settings["backbones"]
        settings["features"] = width
        content = content.model_copy(update={"picture": None})
        told.append(f"no {', '.join(absent)}: the trained entry takes features, {width:,} a frame, and no crops")
    return content.model_copy(update={"settings": settings}), told


def with_labelled_tasks(content: EntryFile, challenge: Challenge, truth: Table) -> EntryFile:
    """The content of an entry file of kind `network` that answers the tasks with labels in `truth`, and no others."""
    if content.kind != "network":
        return content
    without = unlabelled_tasks(challenge, truth)
    named = content.settings.get("tasks") or [task.name for task in challenge.tasks]
    tasks = [name for name in named if name not in without]
    return content.model_copy(update={"settings": {**content.settings, "tasks": tasks}})


def unlabelled_tasks(challenge: Challenge, truth: Table) -> tuple[str, ...]:
    """Names of the tasks of a challenge without a label in `truth`."""
    return tuple(task.name for task in challenge.tasks if not task.is_annotated(truth.values[task.name]).any())


def with_untrained_tasks(
    content: EntryFile, challenge: Challenge, truth: Table, coupling: CouplingSettings | None
) -> tuple[EntryFile, list[str]]:
    """The content of an entry file with a note on the tasks that nothing trains, and that note for the user.

    Args:
        content: content of the file.
        challenge: challenge of the truth.
        truth: labels of the training.
        coupling: coupling of the training, which trains both of its tasks with the labels of one.
    """
    answered = content.settings.get("tasks") or [task.name for task in challenge.tasks]
    coupled = () if coupling is None else (coupling.classes, coupling.labels)
    without = [name for name in unlabelled_tasks(challenge, truth) if name in answered and name not in coupled]
    note = f"trained without labels of {', '.join(without)}: these answers are as untrained as at the start"
    if not without or note in content.notes:
        return content, []
    return content.model_copy(update={"notes": [*content.notes, note]}), [note]


def with_crop(content: EntryFile, clips: Sequence[Clip]) -> EntryFile:
    """The content of an entry file that says what the crops of its training show, where it said nothing."""
    shown = {"" if clip.crop is None else clip.crop.name for clip in clips}
    if content.picture is None or content.picture.crop or len(shown) != 1:
        return content
    return content.model_copy(update={"picture": content.picture.model_copy(update={"crop": shown.pop()})})


def _width(settings: BackboneSettings) -> int:
    # without memory for its weights
    with torch.device("meta"):
        return backbones.build(settings.kind, overrides=settings.over(Overrides())).card.width


def load_all_but_decoder(network: FersNet, path: Path) -> list[str]:
    """Put the weights of an earlier training into a network, all but those of the decoder.

    A classifier of other expressions stays as it was.

    Args:
        network: network that training changes.
        path: safetensors file of the earlier training.

    Returns:
        A sentence for the user where the classifier stays as it was.

    Raises:
        ProblemError: E11 there is no such file, E04 or E08 it holds other tensors.
    """
    if not path.is_file():
        raise ProblemError(no_file(path, ""))
    found = read_state(path)
    wanted = {name: part for name, part in network.state_dict().items() if not name.startswith(f"{DECODER}.")}
    told: list[str] = []
    name = "classifier.weight"
    if name in found and found[name].shape[0] != network.classes:
        wanted = {name: part for name, part in wanted.items() if not name.startswith("classifier.")}
        told.append(f"{path.name} is of {found[name].shape[0]} expressions: the classifier starts anew")
    require_tensors(found, wanted, "this network")
    check_tensors(found, path.stat().st_size, str(path))
    copy_tensors(found, wanted)
    return told
