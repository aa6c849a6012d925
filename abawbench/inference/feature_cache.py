"""A folder of cached features: put there, listed, verified, and cleared of what no longer holds."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from abawbench.base.files import write_file
from abawbench.base.hashes import sha256_of_file
from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError, unwritable
from abawbench.base.run_lock import only_run
from abawbench.clips.clip import Clip
from abawbench.clips.feature_index import (
    INDEX,
    JOURNAL,
    SUFFIX,
    Cached,
    Fault,
    FeatureIndex,
    add_to_journal,
    file_of,
    hash_of,
    read_index,
)
from abawbench.inference.resume import digested
from abawbench.inference.store_layout import FACES

THREADS = 2
# of a maker: where these differ, features never go into one folder
DECISIVE = ("identity", "dtype")


class Cache:
    """A folder of features that a run writes into; units stand in a journal until it is closed."""

    def __init__(self, index: FeatureIndex) -> None:
        for path in _leftovers(index.root):
            path.unlink(missing_ok=True)
        if (index.root / JOURNAL).exists() or read_index(index.root) != index:
            index.write()
        self._index, self._units = index, dict(index.units)
        self._is_new = False

    @property
    def maker(self) -> str:
        """Hash of what makes the features."""
        return self._index.key

    def has(self, clip: Clip, digest: str) -> bool:
        """True where the features of these crops, by this maker, are there and look whole at a glance."""
        known = self._index.units.get(clip.video)
        if known is None or (known.clip, known.recipe) != (digest, clip.crop_recipe):
            return False
        return self._index.fault_of(clip.video) is None

    def put(self, known: Cached, data: bytes) -> None:
        """Put a unit's file in place, and say so. Raises: ProblemError F01."""
        write_file(file_of(self._index.root, known.unit), data)
        add_to_journal(self._index.root, known)
        self._units[known.unit] = known
        self._is_new = True

    def close(self) -> None:
        """Write the index with all units. Raises: ProblemError F01."""
        if self._is_new:
            replace(self._index, units=self._units).write()


def index_for(root: Path, maker: Mapping[str, Any]) -> FeatureIndex:
    """The index of a folder for a run, an empty one where the folder is new.

    Args:
        root: the folder; it is made where it is not there.
        maker: what makes the features of this run.

    Raises:
        ProblemError: E21 the folder holds something else, or features of other backbones or of another type; F01.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(root, error) from error
    index = read_index(root)
    if index is None:
        if any(path.name != FACES and path.name[0] != "." for path in root.iterdir()):
            found, expected = "something else", "a folder of features, or an empty one"
            raise ProblemError(Problem("E21", found, expected, "name a new folder", str(root)))
        return FeatureIndex(root, {}, {}, {})
    if any(hash_of(index.maker.get(name)) != hash_of(maker[name]) for name in DECISIVE):
        found, expected = (f"{told(one['identity'])} in {one['dtype']}" for one in (index.maker, maker))
        fix = "name another folder for these features, or remove that one"
        raise ProblemError(Problem("E21", f"features of {found}", expected, fix, str(root)))
    return index


def open_cache(root: Path) -> FeatureIndex:
    """The index of a folder of features. Raises: ProblemError E21, it has none; F01."""
    index = read_index(root)
    if index is None:
        fix = "name the folder that abawbench extract wrote"
        raise ProblemError(Problem("E21", f"no {INDEX}", "a folder of features with its index", fix, str(root)))
    return index


def told(identity: Mapping[str, Any]) -> str:
    """What makes features, in a few words, as `iresnet50 1f3a09c2 layer -1 embedding`."""
    parts: list[str] = []
    for network in identity["networks"]:
        weights = network["sha256"][:8] if "sha256" in network else f"seed {network.get('seed', '?')}"
        read = [f"layer {network['layer']}", network["pooling"]] if "layer" in network else []
        parts.append(" ".join([network.get("kind", "network"), weights, *read]))
    return " + ".join(parts)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder of features holds.

    Attributes:
        root: the folder.
        made_by: what made them, in a few words.
        units: in the index.
        frames: of all units.
        valid: of these, frames with features.
        width: of a frame's features.
        dtype: in which they are stored.
        precision: in which they were computed.
        bytes: of all files.
        faults: units that are not what the index says, at a glance.
    """

    root: Path
    made_by: str
    units: int
    frames: int
    valid: int
    width: int
    dtype: str
    precision: str
    bytes: int
    faults: int


def listing(root: Path) -> Listing:
    """What a folder of features holds. Raises: ProblemError E21, it is none; F01."""
    index = open_cache(root)
    units = index.units.values()
    return Listing(
        root=root,
        made_by=told(index.maker["identity"]),
        units=len(index.units),
        frames=sum(known.frames for known in units),
        valid=sum(known.valid for known in units),
        width=index.maker["width"],
        dtype=index.maker["dtype"],
        precision=index.maker["precision"],
        bytes=sum(known.bytes for known in units),
        faults=sum(1 for _ in index.faults()),
    )


def verify(
    index: FeatureIndex,
    clips: Sequence[Clip] | None = None,
    *,
    tick: Callable[[str], None] = lambda _: None,
) -> tuple[Fault, ...]:
    """Everything that is wrong with a folder of features, by unit: every byte is read.

    Args:
        index: of the folder.
        clips: crops as they are now; where given, features of other crops, or of crops that are gone, are stale.
        tick: is told each unit whose bytes were read.
    """
    faults = {fault.unit: fault for fault in index.faults()}
    whole = [known for name, known in sorted(index.units.items()) if name not in faults]
    for known, found in map_ahead(lambda known: (known, _sha256(file_of(index.root, known.unit))), whole, THREADS):
        if found != known.sha256:
            faults[known.unit] = Fault(known.unit, "corrupt", "other bytes than were written")
        tick(known.unit)
    if clips is not None:
        for fault in _stale(index, clips):
            faults.setdefault(fault.unit, fault)
    return tuple(faults[unit] for unit in sorted(faults))


def remove(index: FeatureIndex, faults: Iterable[Fault]) -> None:
    """Delete the files of faulty units, and what killed runs left; the index forgets them.

    Raises:
        ProblemError: D36 a run is at work there, F01 a file cannot be removed.
    """
    units = {fault.unit for fault in faults}
    with only_run(index.root):
        now = open_cache(index.root)
        # what a run has made anew since is no longer meant
        gone = {unit for unit in units if now.units.get(unit) == index.units.get(unit)}
        for path in [*(file_of(index.root, unit) for unit in sorted(gone)), *_leftovers(index.root)]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(path, error, "a file to remove", "check its rights") from error
        rest = {name: known for name, known in now.units.items() if name not in gone}
        replace(now, units=rest).write()


def _stale(index: FeatureIndex, clips: Sequence[Clip]) -> Generator[Fault]:
    there = {clip.video for clip in clips}
    for unit in index.units.keys() - there:
        yield Fault(unit, "stale", "its crops are gone")
    for clip, digest in digested(clip for clip in clips if clip.video in index.units):
        known = index.units[clip.video]
        if isinstance(digest, ProblemError):
            yield Fault(clip.video, "stale", f"its crops cannot be read: {digest.problems[0].found}")
        elif digest != known.clip:
            yield Fault(clip.video, "stale", "its crops have changed")
        elif clip.crop_recipe != known.recipe:
            yield Fault(clip.video, "stale", "its crops are taken in another way now")


def _sha256(path: Path) -> str:
    try:
        return sha256_of_file(path)
    except OSError:
        return ""


def _leftovers(root: Path) -> list[Path]:
    """Files that a killed run had not put in place."""
    return [path for part in (SUFFIX, f"{INDEX}") for path in root.glob(f".*{part}.*")]
