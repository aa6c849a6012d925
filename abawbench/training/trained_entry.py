"""The entry that comes of a training: its weights, and its entry.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w
from torch import nn

from abawbench.base.files import write_text
from abawbench.base.hashes import sha256_of
from abawbench.entries.conformance.card import RANDOM_WEIGHTS
from abawbench.entries.entry_file import EntryFile
from abawbench.entries.networks.backbone import WeightsFile
from abawbench.entries.networks.network import NetworkEntry
from abawbench.models.backbones.model import Backbone
from abawbench.models.checkpoints import save_backbone
from abawbench.models.settings import Term, terms_of
from abawbench.training.learners import LearningEntry
from abawbench.training.run_folder import CHECKPOINTS, write_tensors

HEADS = "heads.safetensors"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the file of a trained entry says of its training.

    Attributes:
        licence: licence of the weights.
        trained_on: name of the data and the split.
        note: note for a reader of the score.
        coupling: terms of the coupling that was trained; empty for none.
    """

    licence: str
    trained_on: str
    note: str
    coupling: tuple[Term, ...] = ()


def keep_weights(folder: Path, entry: LearningEntry, *, backbones: bool) -> None:
    """Write the weights of an entry.

    Args:
        folder: folder of the files.
        entry: entry with trained weights.
        backbones: True to write the backbones too.

    Raises:
        ProblemError: F01, they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / HEADS, _heads(entry).state_dict())
    if backbones:
        for name, backbone in zip(backbone_files(entry), entry.encoder.modules, strict=True):
            assert isinstance(backbone, Backbone)
            save_backbone(backbone, folder / name)


def backbone_files(entry: LearningEntry) -> list[str]:
    """Names of the files of an entry's backbones."""
    count = len(entry.encoder.modules)
    return ["backbone.safetensors"] if count == 1 else [f"backbone{place}.safetensors" for place in range(1, count + 1)]


def task_folder(run: Path, task: str) -> Path:
    """The folder of a run for the weights of a task's best epoch."""
    return run / CHECKPOINTS / f"best-{task}"


def write_entry(
    path: Path, content: EntryFile, entry: LearningEntry, provenance: Provenance, *, heads: Path, backbones: Path
) -> None:
    """Write the file of a trained entry.

    Args:
        path: path of the file.
        content: content of the entry file that was trained.
        entry: trained entry.
        provenance: what the file says of the training.
        heads: folder of the trained heads.
        backbones: folder of the backbones.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    record = content.model_dump()
    record["title"] = content.title.removesuffix(f": {RANDOM_WEIGHTS}")
    # the note that the weights are random is no longer true
    record["notes"] = [*(text for text in content.notes if RANDOM_WEIGHTS not in text), provenance.note]
    trained_on = provenance.trained_on
    record["trained_on"] = [*(name for name in content.trained_on if name != trained_on), trained_on]
    settings = {name: value for name, value in record["settings"].items() if name != "seed"}
    files = [_weights_file(path, backbones / name, provenance.licence) for name in backbone_files(entry)]
    if isinstance(entry, NetworkEntry):
        parts = settings.get("backbones", [])
        settings["backbones"] = [{**part, "weights": file} for part, file in zip(parts, files, strict=True)]
    else:
        settings["trunk"] = {**settings["trunk"], "weights": files[0]}
        if set(provenance.coupling) != set(terms_of(settings.get("coupling", "none"))):
            settings["coupling"] = list(provenance.coupling)
    record["settings"] = {**settings, "weights": _weights_file(path, heads / HEADS, provenance.licence)}
    write_text(path, tomli_w.dumps(_without_none(record)))


def _without_none(value: Any) -> Any:
    """The same data without the keys whose value is None, which TOML cannot say."""
    if isinstance(value, Mapping):
        return {str(name): _without_none(part) for name, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [_without_none(part) for part in value]
    return value


def _weights_file(entry_file: Path, path: Path, licence: str) -> dict[str, Any]:
    file = WeightsFile(Path(os.path.relpath(path, entry_file.parent)), sha256_of(path), licence, "this run")
    return {**asdict(file), "file": file.file.as_posix()}


def _heads(entry: LearningEntry) -> nn.Module:
    return entry.network if isinstance(entry, NetworkEntry) else entry.network.heads
