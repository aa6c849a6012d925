"""A store of predictions: for each unit a Parquet file of probabilities and values, and a JSON file that commits it."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import write_file
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError, os_reason, unwritable
from abawbench.base.version import VERSION, versions_of
from abawbench.challenges import Challenge
from abawbench.clips.clip import Clip
from abawbench.entries.model import Answers, Card, Entry
from abawbench.entries.outputs import UnitAnswers, decode
from abawbench.fill import FramePolicy
from abawbench.inference.precision import Parity
from abawbench.inference.store_layout import ENTRY, FACES, FILES, UNITS
from abawbench.table import Floats, Integers, Mask, Table

FORM = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What a unit's predictions depend on and amount to: its JSON file.

    Attributes:
        unit: its name.
        entry: hash of all that `entry.json` says.
        clip: hash of the frames.
        parquet: SHA-256 of the file of predictions.
        frames: of the unit.
        valid: frames that the entry answered from a crop of their own.
        filled: frames without a crop that got the answers of others.
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
    """What an entry said of one unit.

    Attributes:
        unit: its name.
        frame: shape (frames,), numbers, rising.
        time: shape (frames,), seconds; None where nothing told.
        valid: shape (frames,), True where the entry answered from a crop of that frame.
        filled: shape (frames,), True where a policy took the answers of other frames.
        answers: by task, shape (frames, width); NaN where neither valid nor filled.
    """

    unit: str
    frame: Integers
    time: Floats | None
    valid: Mask
    filled: Mask
    answers: Answers


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of predictions of one entry.

    Attributes:
        root: the folder.
        record: what `entry.json` says: the card, versions, seed, precision, policy.
    """

    root: Path
    record: Mapping[str, Any]

    @property
    def card(self) -> Card:
        """The entry's card."""
        return Card.from_json(self.record["card"])

    @property
    def key(self) -> str:
        """Hash of the record: predictions under another key are done anew."""
        return hashlib.sha256(_canonical(self.record)).hexdigest()

    def begin(self) -> None:
        """Write the record, unless it is there; for the one run that holds the folder. Raises: ProblemError F01."""
        path, data = self.root / ENTRY, json.dumps(self.record, indent=1).encode()
        if not path.is_file() or path.read_bytes() != data:
            write_file(path, data)
        (self.root / UNITS).mkdir(exist_ok=True)

    def units(self) -> tuple[str, ...]:
        """Names of all finished units, sorted."""
        return tuple(sorted(path.stem for path in (self.root / UNITS).glob("*.json")))

    def facts(self, unit: str) -> Facts | None:
        """What is known of a finished unit; None where it is not finished or does not read."""
        try:
            return Facts(**json.loads((self.root / UNITS / f"{unit}.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def has(self, clip: Clip, digest: str) -> bool:
        """True where the predictions of these very frames by this very entry are there."""
        facts = self.facts(clip.video)
        path = self.root / UNITS / f"{clip.video}.parquet"
        return facts is not None and (facts.entry, facts.clip) == (self.key, digest) and path.is_file()

    def write(self, predictions: Predictions, digest: str) -> None:
        """Put a unit's predictions in place; the JSON file comes last. Raises: ProblemError F01."""
        data = _parquet(self.card, predictions)
        unit = predictions.unit
        folder = self.root / UNITS
        # what is half replaced must not pass for finished
        (folder / f"{unit}.json").unlink(missing_ok=True)
        write_file(folder / f"{unit}.parquet", data)
        facts = Facts(
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
        """A unit's predictions. Raises: ProblemError P02, its files are missing or are not what was written."""
        path = self.root / UNITS / f"{unit}.parquet"
        facts = self.facts(unit)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _damaged(path, os_reason(error)) from error
        if facts is None or hashlib.sha256(data).hexdigest() != facts.parquet:
            raise _damaged(path, "other bytes than were written")
        return _predictions(self.card, unit, data)


def new_store(root: Path, record: Mapping[str, Any]) -> Store:
    """The store of an entry in a folder, not begun; one that is there is gone on with when its entry has the same name.

    Raises:
        ProblemError: F01 the folder cannot be made, P01 it holds the answers of another entry or something else.
    """
    store = Store(root, json.loads(_canonical(record)))
    if root.exists() and not root.is_dir():
        raise ProblemError(Problem("F01", "a file", "a folder for the store", "name another", str(root)))
    if (root / ENTRY).is_file():
        other = open_store(root)
        if other.card.name != store.card.name:
            fix = "name another folder for this entry, or remove that one"
            raise ProblemError(Problem("P01", f"answers of {other.card.name}", store.card.name, fix, str(root)))
        if other.key == store.key:
            return other
    elif root.is_dir() and any(path.name not in (FACES, FILES) and path.name[0] != "." for path in root.iterdir()):
        fix = "name a new folder"
        raise ProblemError(Problem("P01", "something else", "a store, or an empty folder", fix, str(root)))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(root, error) from error
    return store


def open_store(root: Path) -> Store:
    """A store that is there. Raises: ProblemError P02, its record is missing or does not read."""
    path = root / ENTRY
    try:
        store = Store(root, json.loads(path.read_bytes()))
        if store.record["form"] != FORM:
            raise _damaged(path, f"form {store.record['form']}")
        assert store.card
    except OSError as error:
        raise _damaged(path, os_reason(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"a record that does not read ({type(error).__name__})") from error
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
        for place, name in enumerate(task.outputs):
            parts[f"{task.name}.{name}"] = predictions.answers[task.name][:, place]
    buffer = io.BytesIO()
    pq.write_table(pa.table(parts), buffer, compression="zstd")
    return buffer.getvalue()


def _predictions(card: Card, unit: str, data: bytes) -> Predictions:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data), use_threads=False)
    parts: dict[str, Any] = {name: table[name].to_numpy() for name in table.column_names}
    answers = {
        task.name: np.stack([parts[f"{task.name}.{name}"] for name in task.outputs], axis=1) for task in card.tasks
    }
    return Predictions(unit, parts["frame"], parts.get("time"), parts["valid"], parts["filled"], answers)


LIBRARIES = ("numpy", "opencv-python-headless", "onnxruntime", "torch", "transformers")


# decided once and kept: a second run takes it over
DECIDED = ("precision", "deviation")


def record_of(entry: Entry, fill: FramePolicy, device: str, asked: str, source: Path | None) -> dict[str, Any]:
    """The record of a run before its precision is decided.

    Args:
        entry: that answers.
        fill: what frames without a crop get.
        device: where it runs.
        asked: the precision the run was told.
        source: the file that describes the entry; its own code lies beside it.
    """
    return {
        "form": FORM,
        "card": entry.card.to_json(),
        "seed": getattr(entry, "seed", None),
        "source": {} if source is None else source_hashes(source),
        "fill": fill,
        "device": device,
        "asked": asked,
        "versions": {"abawbench": VERSION, "python": sys.version.split()[0], **versions_of(LIBRARIES)},
    }


def with_precision(record: Mapping[str, Any], parity: Parity) -> dict[str, Any]:
    """The record of a run whose precision is decided."""
    return {**record, "precision": parity.precision, "deviation": parity.deviation}


def decided_before(record: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True where another record is of the same run, so that what it decided holds."""
    return dict(record) == {name: value for name, value in other.items() if name not in DECIDED}


def source_hashes(source: Path) -> dict[str, str]:
    """SHA-256 of the file that describes an entry, and of the code beside it, by name."""
    return {path.name: sha256_of(path) for path in (source, *sorted(source.parent.glob("*.py")))}


def table_of(store: Store, challenge: Challenge) -> Table:
    """Every frame that was answered or filled as a row of a prediction; see `entries.answering.answer`.

    Raises:
        ProblemError: P02 a unit's files are damaged, F02 no unit is finished.
    """
    if not store.units():
        fix = "run abawbench predict to its end"
        raise ProblemError(Problem("F02", "no finished unit", "one at least", fix, str(store.root)))

    def said() -> Iterator[UnitAnswers]:
        for unit in store.units():
            found = store.read(unit)
            rows = found.valid | found.filled
            answers = {task: given[rows] for task, given in found.answers.items()}
            yield UnitAnswers(unit, found.frame[rows], answers, found.filled[rows])

    return decode(store.card, said(), challenge, source=str(store.root))


def read_store(challenge: Challenge, root: Path) -> Table:
    """The rows of a store in a folder. Raises: ProblemError, as `table_of` and `open_store`."""
    return table_of(open_store(root), challenge)
