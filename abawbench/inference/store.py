"""Prediction stores: for each unit a Parquet file of probabilities and values, and a JSON file that commits it."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.arrow_input import arrow_array, read_parquet
from abawbench.base.files import make_folder, read_input, sweep, write_file
from abawbench.base.hashes import sha256_of
from abawbench.base.installed import VERSION, versions_of
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, os_reason
from abawbench.challenges import Challenge
from abawbench.clips.clip import Clip
from abawbench.entries.contract import wrong_values
from abawbench.entries.model import Answers, Card, Entry
from abawbench.entries.outputs import UnitAnswers, covered, decode
from abawbench.fill import FramePolicy
from abawbench.inference import ENTRY, FACES, FILES, UNITS
from abawbench.inference.precision import Parity, PrecisionChoice
from abawbench.table import Floats, Integers, Mask, Table

FORM = 1
# fields of a parity that a record holds once the precision is decided
PARITY = ("precision", "compared", "exceeded")
LIBRARIES = ("numpy", "opencv-python-headless", "onnxruntime", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """The content of the JSON file of a unit: hashes of its inputs and its file, and counts of its frames.

    Attributes:
        unit: name of the unit.
        entry: hash of the store's record.
        clip: hash of the unit's frames.
        parquet: SHA-256 of the Parquet file.
        frames: number of frames.
        valid: number of frames that the entry answered from a crop of their own.
        filled: number of frames without a crop that got the answers of other frames.
    """

    unit: str
    entry: str
    clip: str
    parquet: str
    frames: int
    valid: int
    filled: int


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers of an entry for one unit.

    Attributes:
        unit: name of the unit.
        frame: frame numbers, rising, shape (frames,).
        time: seconds from the start of the video, shape (frames,); None where the times are not known.
        valid: True where the entry answered from a crop of the frame itself, shape (frames,).
        filled: True where a fill policy took the answers of other frames, shape (frames,).
        answers: for each task, array of shape (frames, width); NaN where a frame is neither valid nor filled.
    """

    unit: str
    frame: Integers
    time: Floats | None
    valid: Mask
    filled: Mask
    answers: Answers


@dataclass(frozen=True, slots=True)
class Store:
    """A folder with the predictions of one entry.

    Attributes:
        root: the folder.
        record: content of `entry.json`: card, versions, seed, precision, fill policy.
    """

    root: Path
    record: Mapping[str, Any]

    @property
    def card(self) -> Card:
        """The entry's card."""
        return Card.from_json(self.record["card"])

    @property
    def key(self) -> str:
        """Hash of the record; units of another key are predicted again."""
        return hashlib.sha256(_canonical(self.record)).hexdigest()

    def units(self) -> tuple[str, ...]:
        """Names of the finished units, sorted."""
        return tuple(sorted(path.stem for path in (self.root / UNITS).glob("*.json")))

    def facts(self, unit: str) -> UnitFacts | None:
        """The facts of a finished unit; None where it is not finished or its file cannot be read."""
        try:
            return UnitFacts(**parse_fields(read_input(self.root / UNITS / f"{unit}.json")))
        except (OSError, ValueError, TypeError, ProblemError):
            return None

    def has(self, clip: Clip, digest: str) -> bool:
        """True where the store has the predictions of exactly this entry for exactly these frames."""
        facts = self.facts(clip.video)
        path = self.root / UNITS / f"{clip.video}.parquet"
        return facts is not None and (facts.entry, facts.clip) == (self.key, digest) and path.is_file()

    def write(self, predictions: Predictions, digest: str) -> None:
        """Write the files of a unit, the JSON file last. Raises: ProblemError F01."""
        data = _parquet(self.card, predictions)
        unit = predictions.unit
        folder = self.root / UNITS
        # a unit whose files are half replaced must not pass for finished
        (folder / f"{unit}.json").unlink(missing_ok=True)
        write_file(folder / f"{unit}.parquet", data)
        facts = UnitFacts(
            unit=unit,
            entry=self.key,
            clip=digest,
            parquet=hashlib.sha256(data).hexdigest(),
            frames=len(predictions.frame),
            valid=int(predictions.valid.sum()),
            filled=int(predictions.filled.sum()),
        )
        write_file(folder / f"{unit}.json", json.dumps(asdict(facts), indent=1).encode())

    def read(self, unit: str) -> Predictions:
        """The predictions of a unit. Raises: ProblemError P02, a file is missing or damaged."""
        path = self.root / UNITS / f"{unit}.parquet"
        facts = self.facts(unit)
        try:
            data = read_input(path)
        except OSError as error:
            raise _damaged(path, os_reason(error)) from error
        if facts is None or hashlib.sha256(data).hexdigest() != facts.parquet:
            raise _damaged(path, "other bytes than were written")
        if facts.entry != self.key:
            raise _damaged(path, "answers of another entry than entry.json describes")
        try:
            return _predictions(self.card, unit, data)
        except ValueError as error:
            raise _damaged(path, str(error)) from error


def check_folder(root: Path, name: str) -> None:
    """Make the folder of a store where it is missing, and refuse a folder that holds something else.

    Args:
        root: folder of the store.
        name: name of the entry.

    Raises:
        ProblemError: F01 the folder cannot be made; P01 it holds the answers of another entry, or something else; P02
            its record is damaged.
    """
    if root.exists() and not root.is_dir():
        raise ProblemError(Problem("F01", "a file", "a folder for the store", "name another", str(root)))
    if (root / ENTRY).is_file():
        other = open_store(root).card.name
        if other != name:
            fix = "name another folder for this entry, or remove that one"
            raise ProblemError(Problem("P01", f"answers of {other}", name, fix, str(root)))
    elif root.is_dir() and any(path.name not in (FACES, FILES) and path.name[0] != "." for path in root.iterdir()):
        fix = "name a new folder"
        raise ProblemError(Problem("P01", "something else", "a store, or an empty folder", fix, str(root)))
    make_folder(root)


def previous_parity(root: Path, record: Mapping[str, Any]) -> Parity | None:
    """The precision of the previous run into a store; None where that was another run.

    Args:
        root: folder of the store.
        record: record of this run before its precision is decided.
    """
    if not (root / ENTRY).is_file():
        return None
    before = dict(open_store(root).record)
    decided = {name: before.pop(name) for name in PARITY if name in before}
    if before != json.loads(_canonical(record)):
        return None
    return Parity.from_json({"asked": record["asked"], **decided})


def begin_store(root: Path, record: Mapping[str, Any], parity: Parity | None) -> Store:
    """Open the store of a run, and write its record unless it is there already.

    Args:
        root: folder of the store, held by this run.
        record: record of the run before its precision is decided.
        parity: precision of the run; None for an entry that has no choice.

    Raises:
        ProblemError: F01, the folder cannot be written.
    """
    decided = {} if parity is None else {name: asdict(parity)[name] for name in PARITY}
    store = Store(root, json.loads(_canonical({**record, **decided})))
    if not (root / ENTRY).is_file() or open_store(root).key != store.key:
        write_file(root / ENTRY, json.dumps(store.record, indent=1).encode())
    make_folder(root / UNITS)
    sweep(root / UNITS)
    return store


def open_store(root: Path) -> Store:
    """Open the store in a folder. Raises: ProblemError P02, its record is missing or damaged."""
    path = root / ENTRY
    try:
        store = Store(root, parse_fields(read_input(path)))
        form, _ = store.record["form"], store.card
    except OSError as error:
        raise _damaged(path, os_reason(error)) from error
    except (ValueError, KeyError) as error:
        raise _damaged(path, f"a damaged record ({type(error).__name__})") from error
    if form != FORM:
        raise _damaged(path, f"form {form}")
    return store


def _damaged(path: Path, found: str) -> ProblemError:
    fix = "run abawbench predict again with the same arguments"
    return ProblemError(Problem("P02", found, "the files of a finished unit", fix, str(path)))


def _canonical(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


def _parquet(card: Card, predictions: Predictions) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts: dict[str, Any] = {"frame": predictions.frame.astype(np.int32)}
    if predictions.time is not None:
        parts["time"] = predictions.time
    parts |= {"valid": predictions.valid, "filled": predictions.filled}
    for task in card.tasks:
        for number, name in enumerate(task.outputs):
            parts[f"{task.name}.{name}"] = predictions.answers[task.name][:, number]
    table = pa.table({name: arrow_array(values) for name, values in parts.items()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _predictions(card: Card, unit: str, data: bytes) -> Predictions:
    """The content of a Parquet file. Raises: ValueError, it is not what `_parquet` writes for this card."""
    table = read_parquet(data)
    columns = [f"{task.name}.{name}" for task in card.tasks for name in task.outputs]
    kinds = {"frame": "int32", "valid": "bool", "filled": "bool", **dict.fromkeys(columns, "double")}
    if "time" in table.column_names:
        kinds["time"] = "double"
    found = {field.name: str(field.type) for field in table.schema}
    if found != kinds or len(table.schema) != len(kinds) or any(column.null_count for column in table.columns):
        wrong = sorted(found.items() ^ kinds.items()) or [("missing values", "")]
        raise ValueError(f"other columns than the card has, as {' '.join(wrong[0])}")
    parts: dict[str, Any] = {name: table[name].to_numpy() for name in kinds}
    if (np.diff(parts["frame"]) <= 0).any() or (parts["valid"] & parts["filled"]).any():
        raise ValueError("frame numbers that do not rise, or frames that are valid and filled")
    answers = {
        task.name: np.stack([parts[f"{task.name}.{name}"] for name in task.outputs], axis=1) for task in card.tasks
    }
    for task in card.tasks:
        for wrong, rows, expected in wrong_values(task, answers[task.name], parts["valid"] | parts["filled"]):
            raise ValueError(f"{wrong} for {task.name}, {int(rows.sum()):,} times, where {expected} are expected")
    return Predictions(unit, parts["frame"], parts.get("time"), parts["valid"], parts["filled"], answers)


def record_of(
    entry: Entry, *, fill: FramePolicy, device: str, choice: PrecisionChoice, source: Path | None
) -> dict[str, Any]:
    """The record of a run before its precision is decided.

    Args:
        entry: entry of the run.
        fill: policy for frames without a crop.
        device: device of the networks.
        choice: precision that the user asked for.
        source: file that describes the entry, in the folder of the entry's own code; None for an entry without one.
    """
    return {"form": FORM, **entry_record(entry, device, source), "fill": fill, "asked": choice}


def entry_record(entry: Entry, device: str, source: Path | None) -> dict[str, Any]:
    """The part of a record that says what made the content of a folder: entry, device and versions.

    Args:
        entry: entry of the run.
        device: device of the networks.
        source: file that describes the entry; None for an entry without one.
    """
    return {
        "card": entry.card.to_json(),
        "seed": getattr(entry, "seed", None),
        "source": {} if source is None else source_hashes(source),
        "device": device,
        "versions": {"abawbench": VERSION, "python": sys.version.split()[0], **versions_of(LIBRARIES)},
    }


def source_hashes(source: Path) -> dict[str, str]:
    """SHA-256 of the file that describes an entry and of the Python files beside it, by name."""
    return {path.name: sha256_of(path) for path in (source, *sorted(source.parent.glob("*.py")))}


def require_answers(store: Store, challenge: Challenge) -> None:
    """Refuse a store of another challenge, whose score would be that of constants.

    Raises:
        ProblemError: P07, the entry answers no task that counts.
    """
    counted = [challenge.task(term.task) for term in challenge.metric.terms] or challenge.tasks
    if not any(covered(store.card, task) for task in counted):
        found = f"answers of {store.card.name} to {', '.join(task.name for task in store.card.tasks) or 'nothing'}"
        expected = f"answers to {' or '.join(task.name for task in counted)} of {challenge.id}"
        raise ProblemError(Problem("P07", found, expected, "name the challenge of the store", str(store.root)))


def table_of(store: Store, challenge: Challenge) -> Table:
    """The predictions of a store as the rows of a challenge, one for each frame that is valid or filled.

    `entries.outputs.decode` turns probabilities into classes and labels.

    Raises:
        ProblemError: F02 no unit is finished, P02 the files of a unit are damaged, P07 the store is one of another
            challenge.
    """
    if not store.units():
        fix = "run abawbench predict to its end"
        raise ProblemError(Problem("F02", "no finished unit", "one at least", fix, str(store.root)))

    def answers_of_units() -> Iterator[UnitAnswers]:
        for unit in store.units():
            found = store.read(unit)
            rows = found.valid | found.filled
            answers = {task: values[rows] for task, values in found.answers.items()}
            yield UnitAnswers(unit, found.frame[rows], answers, found.filled[rows])

    table = decode(store.card, answers_of_units(), challenge, source=str(store.root))
    # behind the units: what is damaged is told first
    require_answers(store, challenge)
    return replace(table, is_store=True)


def read_store(challenge: Challenge, root: Path) -> Table:
    """Read the store in a folder as the rows of a challenge. Raises: ProblemError, as `table_of` and `open_store`."""
    return table_of(open_store(root), challenge)
