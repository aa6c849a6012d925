"""The folder of a training: what it was told, and the entry that came of it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w
from torch import Tensor, nn

from abawbench.base.files import write_text
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError, Problems, unreadable
from abawbench.base.version import VERSION, versions_of
from abawbench.clips.clip import Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.conformance.complete_card import RANDOM
from abawbench.entries.entry_file import FILE, RUN, EntryFile
from abawbench.entries.networks.backbone import WeightsFile
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.network import NetworkEntry
from abawbench.models.backbones.model import Backbone
from abawbench.models.checkpoints import save_backbone
from abawbench.training.checkpoint import FOLDER, write_tensors
from abawbench.training.settings import TrainingSettings

FORM = 1
LIBRARIES = ("numpy", "opencv-python-headless", "safetensors", "torch", "transformers")
HEADS = "heads.safetensors"
# what may differ between two starts of one training
FREE = "environment"


def record_of(
    content: EntryFile, settings: TrainingSettings, weights: Sequence[Mapping[str, Any]], data: Mapping[str, Any]
) -> dict[str, Any]:
    """What a training is told: the content of run.json.

    Args:
        content: of the entry file, changes included.
        settings: of the training, resolved.
        weights: that the entry was loaded from, as its card says.
        data: labels, clips, fold.
    """
    return {
        "form": FORM,
        "entry": {**content.model_dump(exclude={"training"}), "weights": list(weights)},
        "training": _plain(asdict(settings)),
        "data": dict(data),
        "versions": {"abawbench": VERSION, **versions_of(LIBRARIES)},
        FREE: {
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            "processors": os.cpu_count(),
        },
    }


def open_run(out: Path, record: Mapping[str, Any]) -> None:
    """Make the folder of a training, or find it as it was left.

    Raises:
        ProblemError: E20 it holds another training, or something else; F01 it cannot be written.
    """
    path = out / RUN
    mine = json.loads(json.dumps(record, allow_nan=False))
    if not path.is_file():
        if out.is_dir() and any(not child.name.startswith(".") for child in out.iterdir()):
            fix = "name a new folder"
            raise ProblemError(Problem("E20", "a folder of something else", "a new or empty folder", fix, str(out)))
        write_text(path, json.dumps(mine, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        return
    try:
        theirs = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ProblemError(Problem("E20", str(error), "the record of a run", "name a new folder", str(path))) from error
    problems = Problems()
    for name, (before, now) in _differences(theirs, mine).items():
        fix = "name another folder, or start the training as it was"
        problems.add(Problem("E20", f"{name} = {before}", f"{name} = {now}, as asked for now", fix, str(path)))
    problems.raise_if_any()


def is_finished(out: Path) -> bool:
    """True where the trained entry is there; it is written last."""
    return (out / FILE).is_file()


def digest_of(clips: Iterable[Clip]) -> str:
    """SHA-256 of what is learned from: units, frames, and the contents of features or the names and sizes of crops.

    Crops are not read for it: that would take as long as an epoch.

    Raises:
        ProblemError: F01, a file cannot be read.
    """
    state = hashlib.sha256()
    for clip in clips:
        state.update(f"{clip.video}:{len(clip)}:".encode())
        state.update(clip.frame.astype("<i4").tobytes() + clip.valid.tobytes())
        if isinstance(clip, FeatureClip):
            state.update(clip.digest().encode())
        elif clip.files is not None:
            for path in clip.files():
                state.update(f"{path.name}:{_size(path)};".encode())
    return state.hexdigest()


def keep_weights(folder: Path, entry: NetworkEntry | FaceBehaviorEntry, *, backbones: bool) -> None:
    """Write the weights of an entry.

    Args:
        folder: to write into.
        entry: with trained weights.
        backbones: whether its backbones too.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / HEADS, _heads(entry).state_dict())
    if backbones:
        for name, backbone in zip(backbone_files(entry), entry.encoder.modules, strict=True):
            assert isinstance(backbone, Backbone)
            save_backbone(backbone, folder / name)


def backbone_files(entry: NetworkEntry | FaceBehaviorEntry) -> list[str]:
    """Names of the files of an entry's backbones."""
    count = len(entry.encoder.modules)
    return ["backbone.safetensors"] if count == 1 else [f"backbone{place}.safetensors" for place in range(1, count + 1)]


def write_entry(
    path: Path,
    content: EntryFile,
    entry: NetworkEntry | FaceBehaviorEntry,
    *,
    heads: Path,
    backbones: Path,
    licence: str,
    trained_on: str,
    note: str,
) -> None:
    """Write the file of a trained entry.

    Args:
        path: of the file.
        content: of the entry that was trained.
        entry: that entry.
        heads: folder of the trained heads.
        backbones: folder of its backbones.
        licence: of its weights.
        trained_on: data and split.
        note: what a reader of its score must know.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    record = content.model_dump()
    record["title"] = content.title.removesuffix(f": {RANDOM}")
    # a note that nothing was learned would not be true any more
    record["notes"] = [*(text for text in content.notes if RANDOM not in text), note]
    record["trained_on"] = [*(name for name in content.trained_on if name != trained_on), trained_on]
    settings = {name: value for name, value in record["settings"].items() if name != "seed"}
    files = [_weights_file(path, backbones / name, licence) for name in backbone_files(entry)]
    if isinstance(entry, NetworkEntry):
        given = settings.get("backbones", [])
        settings["backbones"] = [{**part, "weights": file} for part, file in zip(given, files, strict=True)]
    else:
        settings["trunk"] = {**settings["trunk"], "weights": files[0]}
    record["settings"] = {**settings, "weights": _weights_file(path, heads / HEADS, licence)}
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


def _heads(entry: NetworkEntry | FaceBehaviorEntry) -> nn.Module:
    return entry.network if isinstance(entry, NetworkEntry) else entry.network.heads


def task_folder(out: Path, task: str) -> Path:
    """Where the weights of the best epoch of a task lie."""
    return out / FOLDER / f"best-{task}"


def load_weights(learned: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Copy weights into tensors of the same names."""
    import torch

    with torch.no_grad():
        for name, tensor in learned.items():
            tensor.copy_(weights[name])


def _differences(theirs: Any, mine: Any) -> dict[str, tuple[Any, Any]]:
    before, now = dict(_flat(theirs, "")), dict(_flat(mine, ""))
    names = sorted(before.keys() | now.keys())
    return {
        name: (before.get(name, "nothing"), now.get(name, "nothing"))
        for name in names
        if not name.startswith(f"{FREE}.") and before.get(name) != now.get(name)
    }


def _flat(value: Any, place: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _flat(part, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        for number, part in enumerate(value):
            yield from _flat(part, f"{place}.{number}")
    else:
        yield place, value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error
