"""index.json of a folder of features: what made each unit's file, from what, and whether it still is that file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from abawbench.base.files import write_file
from abawbench.base.problems import Problem, ProblemError, unreadable, unwritable

INDEX = "index.json"
# lines of units that were finished since the index was written: whoever is killed leaves them to the next run
JOURNAL = ".index.jsonl"
FORM = 1
SUFFIX = ".safetensors"
# under which the header of a unit's file names its key
OWN = "abawbench"

State = Literal["corrupt", "stale", "orphaned"]


@dataclass(frozen=True, slots=True)
class CachedUnit:
    """What is known of a unit's file.

    Attributes:
        unit: its name.
        maker: hash of what made it.
        clip: hash of the crops.
        recipe: how the crops were taken from a video, where an index of `faces` tells.
        sha256: of the file.
        bytes: size of the file.
        frames: of the unit.
        valid: frames with a crop, and so with features.
    """

    unit: str
    maker: str
    clip: str
    recipe: Mapping[str, Any] | None
    sha256: str
    bytes: int
    frames: int
    valid: int

    @property
    def key(self) -> str:
        """Hash of everything that the features depend on; the file's header has it too."""
        return hash_of([self.maker, self.clip, self.recipe])


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a unit.

    Attributes:
        unit: its name.
        state: `corrupt` other bytes than were written, `stale` made from something else than is there now, `orphaned`
            a file that the index does not know.
        found: what is wrong.
    """

    unit: str
    state: State
    found: str

    def problem(self, root: Path) -> Problem:
        """The fault as E21."""
        fix = "run abawbench extract again, or abawbench cache gc"
        found = f"{self.state}: {self.found}"
        return Problem("E21", found, "features as the index says", fix, str(feature_file(root, self.unit)))


@dataclass(frozen=True, slots=True)
class FeatureIndex:
    """The index of a folder.

    Attributes:
        root: the folder.
        maker: what makes the features: networks, type, device, precision, versions.
        parity: on what grounds the precision was chosen.
        units: what is known of each, by name.
    """

    root: Path
    maker: Mapping[str, Any]
    parity: Mapping[str, Any]
    units: Mapping[str, CachedUnit]

    @property
    def key(self) -> str:
        """Hash of the maker: features of another one are made anew."""
        return hash_of(self.maker)

    def write(self) -> None:
        """Write `index.json`, units by name, and drop the journal. Raises: ProblemError F01."""
        units = {name: _without_name(self.units[name]) for name in sorted(self.units)}
        record = {"form": FORM, "maker": self.maker, "parity": self.parity, "units": units}
        write_file(self.root / INDEX, json.dumps(record, indent=1).encode())
        (self.root / JOURNAL).unlink(missing_ok=True)

    def fault_of(self, unit: str) -> Fault | None:
        """What a glance at size and header of a unit's file shows to be wrong; None where nothing is."""
        known = self.units.get(unit)
        if known is None:
            return Fault(unit, "orphaned", "a file that the index does not know")
        path = feature_file(self.root, unit)
        try:
            size = path.stat().st_size
        except OSError:
            return Fault(unit, "corrupt", "no such file")
        if size != known.bytes:
            return Fault(unit, "corrupt", f"{size:,} bytes where {known.bytes:,} were written")
        if known.maker != self.key:
            return Fault(unit, "stale", "made by other versions, in another precision, or on another device")
        key = _key_in(path)
        if key is None:
            return Fault(unit, "corrupt", "a header that does not read")
        return None if key == known.key else Fault(unit, "stale", "features of another run")

    def faults(self) -> Iterator[Fault]:
        """What a glance at all files shows to be wrong."""
        files = {path.name.removesuffix(SUFFIX) for path in self.root.glob(f"*{SUFFIX}")}
        for unit in sorted(files | self.units.keys()):
            fault = self.fault_of(unit)
            if fault is not None:
                yield fault


def feature_file(root: Path, unit: str) -> Path:
    """Where the features of a unit lie."""
    return root / f"{unit}{SUFFIX}"


def hash_of(record: Any) -> str:
    """SHA-256 of a record as JSON, whatever the order of its names."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_index(root: Path) -> FeatureIndex | None:
    """The index of a folder with the lines of its journal; None where there is none, or one of another program.

    Raises:
        ProblemError: F01 it cannot be read, E21 it is damaged.
    """
    path = root / INDEX
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error
    except ValueError as error:
        raise _damaged(path, "no JSON") from error
    if not isinstance(record, dict) or "maker" not in record:
        return None
    if record.get("form") != FORM:
        raise _damaged(path, f"form {record.get('form')}")
    try:
        units = {name: CachedUnit(_plain(name), **known) for name, known in record["units"].items()}
        index = FeatureIndex(root, record["maker"], record["parity"], units)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"a record that does not read ({type(error).__name__})") from error
    return replace(index, units={**units, **_journal(root)})


def add_to_journal(root: Path, known: CachedUnit) -> None:
    """Say that a unit is finished; its file is in place. Raises: ProblemError F01."""
    path = root / JOURNAL
    try:
        with path.open("ab") as file:
            # a line that a killed run left unfinished ends here
            file.write(b"\n" + json.dumps(asdict(known)).encode())
    except OSError as error:
        raise unwritable(path, error) from error


def _journal(root: Path) -> dict[str, CachedUnit]:
    units: dict[str, CachedUnit] = {}
    try:
        lines = (root / JOURNAL).read_bytes().split(b"\n")
    except OSError:
        return units
    for line in lines:
        # what is cut off was not finished
        with suppress(ValueError, TypeError):
            known = CachedUnit(**json.loads(line))
            units[_plain(known.unit)] = known
    return units


def _plain(name: str) -> str:
    """A name that leads to no other folder; what is not whole is removed by name."""
    if Path(name).name != name:
        raise ValueError(name)
    return name


def _without_name(known: CachedUnit) -> dict[str, Any]:
    return {name: value for name, value in asdict(known).items() if name != "unit"}


def _key_in(path: Path) -> str | None:
    """The key in a file's header: empty where it has none, None where the header does not read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return (file.metadata() or {}).get(OWN, "")
    except (SafetensorError, OSError, ValueError):
        return None


def _damaged(path: Path, found: str) -> ProblemError:
    fix = "remove it, and run abawbench extract into a new folder"
    return ProblemError(Problem("E21", found, "an index that abawbench extract wrote", fix, str(path)))
