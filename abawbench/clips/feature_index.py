"""The index of a feature cache: how and from what each file was made, and whether it is still the same file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from abawbench.base.files import plain_name, read_input, require_plain, write_file
from abawbench.base.json_text import parse_json
from abawbench.base.problems import Problem, ProblemError, unreadable, unwritable
from abawbench.base.typed import typed
from abawbench.clips.crop import Crop

INDEX = "index.json"
# one line for each unit that was finished since the index was written; a killed run leaves them to the next one
JOURNAL = ".index.jsonl"
FORM = 1
SUFFIX = ".safetensors"
# name of the unit's key in the header of its file
OWN = "abawbench"

State = Literal["corrupt", "stale", "orphaned"]


@dataclass(frozen=True, slots=True)
class CachedUnit:
    """The entry of a unit in the index.

    Attributes:
        unit: name of the unit.
        maker: hash of the maker of the features.
        clip: hash of the crops.
        recipe: settings and versions by which `abawbench faces` cut the crops, or what their folder said of them; None
            where nothing was said.
        sha256: SHA-256 of the file.
        bytes: size of the file.
        frames: number of frames.
        valid: number of frames that have a crop, and so features.
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
        """Hash of everything that the features depend on; the header of the file has it too."""
        return hash_of([self.maker, self.clip, self.recipe])


@dataclass(frozen=True, slots=True)
class FeatureOrigin:
    """The networks that made features.

    Attributes:
        networks: the networks in words, as `iresnet50 1f3a09c2 layer -1 embedding`.
        sha256: hash of everything about them that decides the features.
    """

    networks: str
    sha256: str


def origin_of(identity: Mapping[str, Any]) -> FeatureOrigin:
    """The origin of features from the identity of what made them, as in the record of an index."""
    parts: list[str] = []
    for network in identity["networks"]:
        weights = network["sha256"][:8] if "sha256" in network else f"seed {network.get('seed', '?')}"
        read = [f"layer {network['layer']}", network.get("pooling", "?")] if "layer" in network else []
        parts.append(" ".join([network.get("kind", "network"), weights, *read]))
    return FeatureOrigin(" + ".join(parts), hash_of(identity))


def join_origins(origins: Sequence[FeatureOrigin | None]) -> FeatureOrigin | None:
    """The origin of features that are put end to end; None where one of them is not known."""
    known = [origin for origin in origins if origin is not None]
    if len(known) < len(origins) or not known:
        return None
    if len(known) == 1:
        return known[0]
    return FeatureOrigin(" + ".join(each.networks for each in known), hash_of([each.sha256 for each in known]))


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a unit.

    Attributes:
        unit: name of the unit.
        state: `corrupt` for a file with other bytes than were written, `stale` for features of another maker or other
            crops, `orphaned` for a file that the index does not know.
        found: description of the fault.
    """

    unit: str
    state: State
    found: str

    def problem(self, root: Path) -> Problem:
        """The fault as a problem E21."""
        fix = "run abawbench extract again, or abawbench cache gc"
        found = f"{self.state}: {self.found}"
        return Problem("E21", found, "features as the index says", fix, str(feature_file(root, self.unit)))


@dataclass(frozen=True, slots=True)
class FeatureIndex:
    """The index of a feature cache.

    Attributes:
        root: folder of the cache.
        maker: record of what makes the features: networks, number type, device, precision, versions.
        parity: comparison of precisions that the chosen precision rests on.
        units: entry of each unit, by name.
        networks: facts about the networks, as on the card of their entry, that decide no feature: the source of the
            values of the maker, those that are assumed, and the tensors of the file that are not used.
    """

    root: Path
    maker: Mapping[str, Any]
    parity: Mapping[str, Any]
    units: Mapping[str, CachedUnit]
    networks: Sequence[Mapping[str, Any]] = ()

    @property
    def origin(self) -> FeatureOrigin:
        """The networks that made the features."""
        return origin_of(self.maker["identity"])

    @property
    def key(self) -> str:
        """Hash of the maker; features of another maker are made again."""
        return hash_of(self.maker)

    def write(self) -> None:
        """Write `index.json`, units sorted by name, and delete the journal. Raises: ProblemError F01."""
        units = {name: _without_name(self.units[name]) for name in sorted(self.units)}
        record = {
            "form": FORM,
            "maker": self.maker,
            "networks": self.networks,
            "parity": self.parity,
            "units": units,
        }
        write_file(self.root / INDEX, json.dumps(record, indent=1).encode())
        (self.root / JOURNAL).unlink(missing_ok=True)

    def fault_of(self, unit: str) -> Fault | None:
        """The fault of a unit, by the size and header of its file; None if it has none."""
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
            return Fault(unit, "corrupt", "an unreadable header")
        return None if key == known.key else Fault(unit, "stale", "features of another run")

    def faults(self) -> Iterator[Fault]:
        """The faults of all units by the sizes and headers of their files, sorted by unit."""
        files = {path.name.removesuffix(SUFFIX) for path in self.root.glob(f"*{SUFFIX}")}
        for unit in sorted(files | self.units.keys()):
            fault = self.fault_of(unit)
            if fault is not None:
                yield fault


def feature_file(root: Path, unit: str) -> Path:
    """The file of a unit."""
    return root / f"{unit}{SUFFIX}"


def hash_of(record: Any) -> str:
    """SHA-256 of a record as JSON with sorted names."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_index(root: Path) -> FeatureIndex | None:
    """Read the index of a folder and the journal; None if there is no index, or another program wrote it.

    Raises:
        ProblemError: F01 it cannot be read, E21 it is damaged.
    """
    path = root / INDEX
    try:
        record = parse_json(read_input(path))
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
        units = {name: _cached_unit({"unit": name, **known}) for name, known in record["units"].items()}
        _check_maker(record["maker"], record["parity"])
        index = FeatureIndex(root, record["maker"], record["parity"], units, record.get("networks", []))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"an unreadable record ({type(error).__name__})") from error
    return replace(index, units={**units, **_journal(root)})


def add_to_journal(root: Path, known: CachedUnit) -> None:
    """Add a unit whose file is in place to the journal. Raises: ProblemError F01."""
    path = root / JOURNAL
    try:
        with path.open("ab") as file:
            # the line break ends a line that a killed run left unfinished
            file.write(b"\n" + json.dumps(asdict(known)).encode())
    except OSError as error:
        raise unwritable(path, error) from error


def _journal(root: Path) -> dict[str, CachedUnit]:
    units: dict[str, CachedUnit] = {}
    try:
        lines = read_input(root / JOURNAL).split(b"\n")
    except (OSError, ProblemError):
        return units
    for line in lines:
        # a line that is cut off belongs to no finished unit
        with suppress(ValueError, TypeError):
            known = _cached_unit(parse_json(line))
            units[known.unit] = known
    return units


def _check_maker(maker: Mapping[str, Any], parity: Mapping[str, Any]) -> None:
    """Raise ValueError where a field that is shown or compared is of another type."""
    texts = [maker["dtype"], maker["precision"], maker["device"]]
    for network in maker["identity"]["networks"]:
        texts += [network.get(name, "") for name in ("kind", "sha256", "pooling")]
    is_right = all(isinstance(text, str) for text in texts) and isinstance(maker["width"], int)
    if not is_right or not isinstance(cast(object, parity), dict):
        raise ValueError("fields of other types")


def _cached_unit(record: Any) -> CachedUnit:
    """Raises: ValueError, a field is missing or of another type, names no crop, or the name leads to another folder."""
    known = typed(CachedUnit)(record)
    # faulty units are deleted by name
    plain_name(known.unit)
    if known.recipe is not None:
        Crop.from_json(known.recipe)
    return known


def _without_name(known: CachedUnit) -> dict[str, Any]:
    return {name: value for name, value in asdict(known).items() if name != "unit"}


def _key_in(path: Path) -> str | None:
    """The key in the header of a file: empty if it has none, None if the header is unreadable."""
    from safetensors import SafetensorError, safe_open

    try:
        require_plain(path)
        with safe_open(path, "np") as file:
            return (file.metadata() or {}).get(OWN, "")
    except (SafetensorError, OSError, ValueError, ProblemError):
        return None


def _damaged(path: Path, found: str) -> ProblemError:
    fix = "remove it, and run abawbench extract into a new folder"
    return ProblemError(Problem("E21", found, "an index that abawbench extract wrote", fix, str(path)))
