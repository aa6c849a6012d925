"""The folder of a training or pre-training: the lock and record of its run, and its checkpoints."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from abawbench.base.files import make_folder, read_input, write_text
from abawbench.base.hashes import sha256_of
from abawbench.base.json_text import parse_fields, parse_json
from abawbench.base.problems import Problem, ProblemError, Problems, unreadable, unwritable
from abawbench.base.run_lock import only_run
from abawbench.entries.entry_file import RUN
from abawbench.models.checkpoints.tensors import read_safetensors

CHECKPOINTS = "checkpoints"
FACTS = "last.json"
SUFFIX = ".safetensors"
# key of the part of a record that may differ between two starts of one run
FREE = "environment"


@contextmanager
def open_run(run: Path, record: Mapping[str, Any], *, indent: int = 1) -> Generator[None]:
    """Lock the folder of a run; a new or empty folder gets the record, any other must have the same.

    Args:
        run: folder of the run.
        record: settings, data and versions, ready for JSON; facts under `environment` may differ.
        indent: indentation of the record.

    Raises:
        ProblemError: E20 the folder holds another run, or something else; D36 another run is at work there; F01 it
            cannot be written.
    """
    _refuse_other_files(run)
    make_folder(run)
    with only_run(run):
        path = run / RUN
        if path.is_file():
            _refuse_other_run(path, record)
        else:
            # another run may have come first
            _refuse_other_files(run)
            write_text(path, json.dumps(record, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")
        yield


class SaveClock:
    """A clock that decides when a run saves within an epoch, by steps or by seconds.

    Args:
        steps: steps between two saves; 0 for never.
        seconds: seconds between two saves; 0 for never.
    """

    def __init__(self, steps: int, seconds: float) -> None:
        self.steps, self.seconds = steps, seconds
        self._since, self._begin = 0, time.monotonic()

    def is_due(self) -> bool:
        """Count a step; True where it is time to save, after which the count starts again."""
        self._since += 1
        is_late = bool(self.seconds) and time.monotonic() - self._begin >= self.seconds
        if not is_late and not (self.steps and self._since >= self.steps):
            return False
        self._since, self._begin = 0, time.monotonic()
        return True


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a run.

    Attributes:
        tensors: tensors by name.
        facts: everything else, ready for JSON.
    """

    tensors: Mapping[str, Tensor]
    facts: dict[str, Any]


def save_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint that replaces the previous one; a run that is killed meanwhile leaves one of the two.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    folder = run / CHECKPOINTS
    before = folder / _newest(folder).get("file", "")
    number = 1 + int(before.stem.rpartition("-")[2] or 0) if before.suffix == SUFFIX else 1
    path = folder / f"last-{number}{SUFFIX}"
    write_tensors(path, checkpoint.tensors)
    facts = checkpoint.facts
    record = {"file": path.name, "sha256": sha256_of(path), "hash": _hash_of(facts), "facts": facts}
    write_text(folder / FACTS, json.dumps(record, indent=1, allow_nan=False))
    if before != path and before.suffix == SUFFIX:
        before.unlink(missing_ok=True)


def load_checkpoint(run: Path) -> Checkpoint | None:
    """Load the newest checkpoint of a run, None where there is none, and remove the leftovers of killed runs.

    Raises:
        ProblemError: E04, its files are damaged.
    """
    folder = run / CHECKPOINTS
    record = _newest(folder)
    checkpoint = _verified(folder, record) if record else None
    # nothing is removed on the word of a damaged file
    kept = {record.get("file"), FACTS}
    for path in folder.glob("*"):
        if path.is_file() and path.name not in kept and ("last-" in path.name or path.name.startswith(".")):
            path.unlink()
    return checkpoint


def _verified(folder: Path, record: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint that a record names. Raises: ProblemError E04 its bytes are others, F01 there is no file."""
    path = folder / record["file"]
    found = sha256_of(path)
    if found != record["sha256"]:
        raise _damaged(folder, f"sha256 {found}", f"sha256 {record['sha256']}", path)
    if _hash_of(record["facts"]) != record["hash"]:
        raise _damaged(folder, "other facts than were written", f"sha256 {record['hash']}", folder / FACTS)
    try:
        return Checkpoint(read_safetensors(path)[0], record["facts"])
    except ValueError as error:
        raise _damaged(folder, str(error), "tensors", path) from error


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


def _newest(folder: Path) -> dict[str, Any]:
    """File, hash and facts of the newest checkpoint; empty where there is none."""
    path = folder / FACTS
    try:
        record = parse_fields(read_input(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise _damaged(folder, str(error), "the facts of a checkpoint", path) from error
    kinds = {"file": str, "sha256": str, "hash": str, "facts": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(record.get(name), kind)]
    if not wrong and (not record["file"] or Path(record["file"]).name != record["file"]):
        wrong = ["file"]
    if wrong:
        found = ", ".join(f"{name} = {record.get(name)!r}" for name in wrong)
        raise _damaged(folder, found, "the facts of a checkpoint", path)
    return record


def _hash_of(facts: Mapping[str, Any]) -> str:
    # names are texts once they are read again
    plain = json.loads(json.dumps(facts))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _damaged(folder: Path, found: str, expected: str, path: Path) -> ProblemError:
    return ProblemError(Problem("E04", found, expected, f"remove {folder}: the run starts again", str(path)))


def _refuse_other_files(run: Path) -> None:
    is_other = run.exists() and not run.is_dir()
    if run.is_dir() and not (run / RUN).is_file():
        is_other = any(not child.name.startswith(".") for child in run.iterdir())
    if is_other:
        fix = "name a new folder"
        raise ProblemError(Problem("E20", "a folder of something else", "a new or empty folder", fix, str(run)))


def _refuse_other_run(path: Path, record: Mapping[str, Any]) -> None:
    try:
        before = parse_json(read_input(path))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise ProblemError(Problem("E20", str(error), "the record of a run", "name a new folder", str(path))) from error
    problems = Problems()
    for name, (then, now) in _differences(before, json.loads(json.dumps(record, allow_nan=False))).items():
        fix = "name another folder, or start the run with the same settings and data as before"
        problems.add(Problem("E20", f"{name} = {json.dumps(then)}", json.dumps(now), fix, str(path)))
    problems.raise_if_any()


def _differences(before: Any, now: Any) -> dict[str, tuple[Any, Any]]:
    old, new = dict(_flat(before, "")), dict(_flat(now, ""))
    return {
        name: (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if not name.startswith(f"{FREE}.") and old.get(name) != new.get(name)
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
