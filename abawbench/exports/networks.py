"""The networks that can be exported: entries of this package's kinds, read with their files of weights."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.entries.entry_file import EntryFile, read_entry_file
from abawbench.entries.loading import find_entry_file, load_entry, make_entry
from abawbench.entries.model import Weights
from abawbench.entries.networks.frame_encoder import WeightsFile
from abawbench.entries.packed import pack
from abawbench.training.learners import LearningEntry
from abawbench.training.results import HEADS, backbone_files, keep_weights, weighted_settings, without_none
from abawbench.training.starting import SETTINGS


@dataclass(frozen=True, eq=False)
class Network:
    """An entry whose network can be exported.

    Attributes:
        content: content of its entry file.
        entry: the entry.
    """

    content: EntryFile
    entry: LearningEntry


def read_network(name: str, root: Path = Path("submissions")) -> Network:
    """Read an entry that is a network.

    Args:
        name: name of the entry, as for `load_entry`.
        root: folder of the submissions.

    Raises:
        ProblemError: C02, it is of another kind; everything that is wrong with the entry.
    """
    path = find_entry_file(name, root=root)
    if path is None:
        # an unknown name is a problem of its own
        load_entry(name, root=root)
        raise _no_network(name, "code")
    content = read_entry_file(path)
    if content.kind not in SETTINGS:
        raise _no_network(name, content.kind)
    entry = make_entry(content, path)
    assert isinstance(entry, LearningEntry)
    return Network(content, entry)


def _no_network(name: str, kind: str) -> ProblemError:
    expected, fix = f"a network of kind {', '.join(SETTINGS)}", "export it with the program that made it"
    return ProblemError(Problem("C02", f"{name}, of kind {kind}", expected, fix))


def packed_network(network: Network) -> dict[str, bytes]:
    """The config.json and the model.safetensors of a network, whose entry answers alike to the bit."""
    content, entry = network.content, network.entry
    with tempfile.TemporaryDirectory() as folder:
        keep_weights(Path(folder), entry, backbones=True)
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    backbones = backbone_files(entry)
    weights = {file.role: file for file in entry.card.weights}

    def file_of(name: str) -> dict[str, Any]:
        place = backbones.index(name) + 1 if name in backbones else 0
        role = "heads" if name == HEADS else _role(weights, place)
        known = weights.get(role)
        # random weights are made by the code
        licence, source = (content.licence, "random") if known is None else (known.licence, known.source)
        return asdict(WeightsFile(Path(name), "", licence, source)) | {"file": name}

    settings = weighted_settings(content, entry, file_of)
    if "feature_origin" in content.settings:
        settings["feature_origin"] = content.settings["feature_origin"]
    return pack(without_none({**content.model_dump(exclude={"training"}), "settings": settings}), files)


def _role(weights: dict[str, Weights], place: int) -> str:
    """The role of the file of a backbone, by its number, or of the sharing units."""
    for role in ("sharing",) if not place else ("trunk", "backbone", f"trunk {place}", f"backbone {place}"):
        if role in weights:
            return role
    return ""
