"""What a training goes on from: tensors in a safetensors file, all else in a JSON file that names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from abawbench.base.files import write_text
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError, unwritable

FOLDER = "checkpoints"
FACTS = "last.json"
SUFFIX = ".safetensors"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a training is.

    Attributes:
        tensors: by name.
        facts: what JSON holds.
    """

    tensors: Mapping[str, Tensor]
    facts: dict[str, Any]


def save_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in the place of the one before; whoever is killed meanwhile leaves one of the two.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    folder = run / FOLDER
    before = folder / _named(folder)
    number = 1 + int(before.stem.rpartition("-")[2] or 0) if before.suffix == SUFFIX else 1
    path = folder / f"last-{number}{SUFFIX}"
    write_tensors(path, checkpoint.tensors)
    facts = {"file": path.name, "sha256": sha256_of(path), "facts": checkpoint.facts}
    write_text(folder / FACTS, json.dumps(facts, indent=1, allow_nan=False))
    if before != path and before.suffix == SUFFIX:
        before.unlink(missing_ok=True)


def load_checkpoint(run: Path) -> Checkpoint | None:
    """The newest checkpoint of a run; None where there is none. What killed runs left of others is removed.

    Raises:
        ProblemError: E04, its tensors are not those that were written.
    """
    from safetensors.torch import load_file

    folder = run / FOLDER
    name = _named(folder)
    for path in folder.glob("*"):
        if path.is_file() and path.name not in {name, FACTS} and ("last-" in path.name or path.name.startswith(".")):
            path.unlink()
    if not name:
        return None
    record = json.loads((folder / FACTS).read_bytes())
    path = folder / name
    found = sha256_of(path)
    if found != record["sha256"]:
        fix = f"remove {folder}: the training begins anew"
        raise ProblemError(Problem("E04", f"sha256 {found}", f"sha256 {record['sha256']}", fix, str(path)))
    return Checkpoint(load_file(path), record["facts"])


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to a safetensors file that appears whole or not at all; makes its folder.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    temporary = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise unwritable(path, error) from error


def _named(folder: Path) -> str:
    """The file that the newest facts name; empty where there are none."""
    try:
        return json.loads((folder / FACTS).read_bytes())["file"]
    except FileNotFoundError:
        return ""
