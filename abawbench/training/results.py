"""The results of a training in its run folder: the figures of its epochs, its weights, and its entry.toml."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w
from torch import nn

from abawbench.base.files import write_text
from abawbench.base.hashes import sha256_of
from abawbench.clips.feature_index import FeatureOrigin
from abawbench.entries.conformance.card import RANDOM_WEIGHTS
from abawbench.entries.entry_file import EntryFile
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.fersnet import FersNetEntry
from abawbench.entries.networks.frame_encoder import WeightsFile
from abawbench.entries.networks.network import NetworkEntry
from abawbench.entries.networks.streams import sharing_modules
from abawbench.models.backbones.model import Backbone
from abawbench.models.checkpoints import save_backbone
from abawbench.models.relatedness_files import write_relatedness
from abawbench.models.settings import Term, terms_of
from abawbench.models.sharing.streams import StreamTrunk
from abawbench.training.coupling import Coupling
from abawbench.training.learners import LearningEntry
from abawbench.training.run_folder import CHECKPOINTS, write_tensors

HEADS = "heads.safetensors"
UNITS = "sharing.safetensors"
TENSORBOARD = "tensorboard"
# tables of a coupling: as it came, and mixed with base rates
RELATEDNESS, MIXED = "relatedness.csv", "relatedness_mixed.csv"
# name of the best epoch by the whole score
SCORE = "score"
# one row for each epoch: epoch, rate, seconds, frames, loss by name, score, terms by task, metrics
History = Sequence[Mapping[str, Any]]


def write_curves(run: Path, history: History, best: Mapping[str, Any]) -> None:
    """Write log.jsonl, curves.csv and scores.json of the epochs so far.

    Args:
        run: run folder.
        history: rows of the epochs.
        best: best epoch and its value, by task, and under `score` for the whole.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    write_text(run / "log.jsonl", "".join(json.dumps(row, allow_nan=False) + "\n" for row in history))
    names = list(dict.fromkeys(name for row in history for name in flat(row)))
    table = io.StringIO()
    writer = csv.DictWriter(table, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat(row) for row in history)
    write_text(run / "curves.csv", table.getvalue())
    scores = [{name: row[name] for name in ("epoch", "score", "terms", "metrics")} for row in history]
    write_text(run / "scores.json", json.dumps({"best": best, "epochs": scores}, indent=1, allow_nan=False) + "\n")


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an epoch as columns: `loss va`, `term va` and single numbers, without the metrics.

    >>> flat({"epoch": 1, "loss": {"va": 0.5}, "score": None, "terms": {"va": 0.1}, "metrics": {"ccc": 0.1}})
    {'epoch': 1, 'loss va': 0.5, 'score': None, 'term va': 0.1}
    """
    columns: dict[str, Any] = {}
    for name, value in row.items():
        if name == "metrics":
            continue
        if isinstance(value, Mapping):
            columns |= {
                f"{name.removesuffix('s') if name == 'terms' else name} {key}": part for key, part in value.items()
            }
        else:
            columns[name] = value
    return columns


class TensorBoardLog:
    """Events of TensorBoard in the folder `tensorboard` of a run.

    Args:
        run: run folder.
        epochs: number of finished epochs; events of later epochs are discarded.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, run: Path, epochs: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer = SummaryWriter(str(run / TENSORBOARD), purge_step=epochs + 1 if epochs else None)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write the row of an epoch."""
        for name, value in flat(row).items():
            if name != "epoch" and value is not None:
                self._writer.add_scalar(name.replace(" ", "/"), value, row["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Write all buffered events."""
        self._writer.close()


def write_tables(run: Path, coupling: Coupling) -> None:
    """Write the table of a coupling, and the one mixed with base rates that likelihood coupling uses.

    Args:
        run: run folder.
        coupling: coupling of the training, with the names of its classes and labels.

    Raises:
        ProblemError: F01, they cannot be written.
    """
    write_relatedness(run / RELATEDNESS, coupling.shares, *coupling.names)
    if "likelihood" in coupling.settings.terms:
        write_relatedness(run / MIXED, coupling.likelihood.double().cpu().numpy(), *coupling.names)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of trained weights, for the file of a trained entry.

    Attributes:
        licence: licence of the weights.
        trained_on: name of the data and the split.
        note: note for a reader of the score.
        coupling: terms of the coupling in training; empty without a coupling.
        feature_origin: networks of the features that the training saw; None where it changed them, or nothing says so.
    """

    licence: str
    trained_on: str
    note: str
    coupling: tuple[Term, ...] = ()
    feature_origin: FeatureOrigin | None = None


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
        for name, backbone in zip(backbone_files(entry), _backbones(entry), strict=True):
            assert isinstance(backbone, Backbone)
            save_backbone(backbone, folder / name)
        units = _units(entry)
        if units is not None:
            write_tensors(folder / UNITS, units.state_dict())


def backbone_files(entry: LearningEntry) -> list[str]:
    """Names of the files of an entry's backbones, and of the copies of a trunk with streams.

    There are none for a network whose weights are in one file.
    """
    count = len(_backbones(entry))
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
        provenance: origin of the weights.
        heads: folder of the trained heads.
        backbones: folder of the backbones.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    origin = provenance.feature_origin
    record = content.model_dump()
    record["title"] = content.title.removesuffix(f": {RANDOM_WEIGHTS}")
    # the note that the weights are random is no longer true
    record["notes"] = [*(text for text in content.notes if RANDOM_WEIGHTS not in text), provenance.note]
    if origin is not None and not entry.encoder.modules:
        record["notes"] = [*dict.fromkeys([*record["notes"], f"on features of {origin.networks}"])]
    if record["training"].get("coupling", {}).get("table"):
        record["training"]["coupling"]["table"] = RELATEDNESS
    trained_on = provenance.trained_on
    record["trained_on"] = [*(name for name in content.trained_on if name != trained_on), trained_on]

    def file_of(name: str) -> dict[str, Any]:
        return _weights_file(path, (heads if name == HEADS else backbones) / name, provenance.licence)

    settings = weighted_settings(content, entry, file_of)
    if origin is not None:
        settings["feature_origin"] = asdict(origin)
    if isinstance(entry, FaceBehaviorEntry) and set(provenance.coupling) != set(
        terms_of(settings.get("coupling", "none"))
    ):
        settings["coupling"] = list(provenance.coupling)
    record["settings"] = settings
    write_text(path, tomli_w.dumps(without_none(record)))


def weighted_settings(
    content: EntryFile, entry: LearningEntry, file_of: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """The settings of an entry with the files that `keep_weights` writes in place of its seed and earlier files.

    Args:
        content: content of the entry file.
        entry: the entry.
        file_of: function from the name of such a file to its table in the settings.
    """
    settings = {name: value for name, value in content.settings.items() if name not in {"seed", "feature_origin"}}
    files = [file_of(name) for name in backbone_files(entry)]
    parts = settings.get("backbones", []) if isinstance(entry, NetworkEntry) else [settings.get("trunk", {})]
    if _is_shared(entry):
        # the files of the streams stand for the file that they started from
        parts = [{name: value for name, value in parts[0].items() if name not in {"weights", "branch"}}]
        units = {} if _units(entry) is None else {"weights": file_of(UNITS)}
        settings["sharing"] = {**settings["sharing"], "trunks": files, **units}
    elif files:
        # what is written holds one network
        parts = [
            {**{name: value for name, value in part.items() if name != "branch"}, "weights": file}
            for part, file in zip(parts, files, strict=True)
        ]
    if isinstance(entry, NetworkEntry):
        settings["backbones"] = parts
    elif isinstance(entry, FaceBehaviorEntry):
        (settings["trunk"],) = parts
    return {**settings, "weights": file_of(HEADS)}


def without_none(value: Any) -> Any:
    """The same data without the keys whose value is None, which TOML does not have."""
    if isinstance(value, Mapping):
        return {str(name): without_none(part) for name, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [without_none(part) for part in value]
    return value


def _weights_file(entry_file: Path, path: Path, licence: str) -> dict[str, Any]:
    file = WeightsFile(Path(os.path.relpath(path, entry_file.parent)), sha256_of(path), licence, "this run")
    return {**asdict(file), "file": file.file.as_posix()}


def _backbones(entry: LearningEntry) -> list[nn.Module]:
    modules = () if isinstance(entry, FersNetEntry) else entry.encoder.modules
    return [part for module in modules for part in (module.trunks if isinstance(module, StreamTrunk) else [module])]


def _is_shared(entry: LearningEntry) -> bool:
    return any(isinstance(module, StreamTrunk) for module in entry.encoder.modules)


def _units(entry: LearningEntry) -> nn.Module | None:
    """The sharing units of an entry; None where it has none with weights."""
    trunks = [module for module in entry.encoder.modules if isinstance(module, StreamTrunk)]
    units = sharing_modules(trunks[0]) if trunks else None
    return units if units is not None and units.state_dict() else None


def _heads(entry: LearningEntry) -> nn.Module:
    return entry.network.heads if isinstance(entry, FaceBehaviorEntry) else entry.network
