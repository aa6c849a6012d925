"""Feature caches: folders of features that are written unit by unit, listed, verified, and cleared of faulty units."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from abawbench.base.files import make_folder, write_file
from abawbench.base.hashes import sha256_of_file
from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError, unwritable
from abawbench.base.run_lock import only_run
from abawbench.clips.clip import Clip, digest_clips
from abawbench.clips.feature_index import (
    INDEX,
    JOURNAL,
    SUFFIX,
    CachedUnit,
    Fault,
    FeatureIndex,
    add_to_journal,
    feature_file,
    hash_of,
    origin_of,
    read_index,
)
from abawbench.inference import FACES

THREADS = 2
# fields of a maker in which all features of a folder agree
DECISIVE = ("identity", "dtype")
# facts of a network that its words tell
_IN_WORDS = {"kind", "sha256", "seed", "layer", "pooling"}


class FeatureCache:
    """A folder of features that a run writes into; new units are kept in a journal until the cache is closed.

    Args:
        index: index of the folder, with the maker of this run.
    """

    def __init__(self, index: FeatureIndex) -> None:
        for path in _leftovers(index.root):
            path.unlink(missing_ok=True)
        if (index.root / JOURNAL).exists() or read_index(index.root) != index:
            index.write()
        self._index, self._units = index, dict(index.units)
        self._is_new = False

    @property
    def maker(self) -> str:
        """Hash of the maker of the features."""
        return self._index.key

    def holds(self, unit: str) -> bool:
        """True where the index has the unit, made by this maker."""
        known = self._index.units.get(unit)
        return known is not None and known.maker == self.maker

    def has(self, clip: Clip, digest: str) -> bool:
        """True where the folder has the features of these crops by this maker, by the size and header of the file."""
        known = self._index.units.get(clip.video)
        if known is None or known.clip != digest or _is_cut_otherwise(clip, known):
            return False
        return self._index.fault_of(clip.video) is None

    def put(self, known: CachedUnit, data: bytes) -> None:
        """Write the file of a unit, and add the unit to the journal. Raises: ProblemError F01."""
        write_file(feature_file(self._index.root, known.unit), data)
        add_to_journal(self._index.root, known)
        self._units[known.unit] = known
        self._is_new = True

    def close(self) -> None:
        """Write the index with the new units. Raises: ProblemError F01."""
        if self._is_new:
            replace(self._index, units=self._units).write()


def prepare_cache(root: Path, maker: Mapping[str, Any]) -> FeatureIndex:
    """The index of a folder for a run, an empty one where the folder is new.

    Args:
        root: folder of the cache; it is made where it is missing.
        maker: record of the maker of the features of this run.

    Raises:
        ProblemError: E21 the folder holds something else, or features of other backbones or of another type; F01.
    """
    make_folder(root)
    index = read_index(root)
    if index is None:
        if any(path.name != FACES and path.name[0] != "." for path in root.iterdir()):
            found, expected = "something else", "a folder of features, or an empty one"
            raise ProblemError(Problem("E21", found, expected, "name a new folder", str(root)))
        return FeatureIndex(root, {}, {}, {})
    if any(hash_of(index.maker.get(name)) != hash_of(maker[name]) for name in DECISIVE):
        found, expected = (_describe(*two) for two in ((index.maker, maker), (maker, index.maker)))
        fix = "name another folder for these features, or remove that one"
        raise ProblemError(Problem("E21", f"features of {found}", expected, fix, str(root)))
    return index


def _describe(maker: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The networks of a maker and its type of numbers in words, and whatever else its networks have otherwise."""
    facts: list[str] = []
    for network, rival in zip(maker["identity"]["networks"], other["identity"]["networks"], strict=False):
        names = sorted((network.keys() | rival.keys()) - _IN_WORDS)
        facts += [f"{name} {network.get(name, 'by default')}" for name in names if _differ(network, rival, name)]
    return ", ".join([f"{origin_of(maker['identity']).networks} in {maker['dtype']}", *facts])


def _differ(network: Mapping[str, Any], rival: Mapping[str, Any], name: str) -> bool:
    # a record that was read has lists for tuples
    return hash_of(network.get(name)) != hash_of(rival.get(name))


def open_cache(root: Path) -> FeatureIndex:
    """The index of a feature cache. Raises: ProblemError E21, the folder has no index; F01."""
    index = read_index(root)
    if index is None:
        fix = "name the folder that abawbench extract wrote"
        raise ProblemError(Problem("E21", f"no {INDEX}", "a folder of features with its index", fix, str(root)))
    return index


@dataclass(frozen=True, slots=True)
class CacheSummary:
    """The content of a feature cache.

    Attributes:
        root: folder of the cache.
        made_by: networks that made the features, in a few words.
        units: number of units in the index.
        frames: number of frames of all units.
        valid: number of these frames that have features.
        width: number of features of a frame.
        dtype: number type of the stored features.
        precision: precision in which they were computed.
        bytes: size of all files.
        faults: number of units whose file is not the one in the index, by size and header.
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


def summarise(root: Path) -> CacheSummary:
    """Summarise the content of a feature cache. Raises: ProblemError E21, the folder has no index; F01."""
    index = open_cache(root)
    units = index.units.values()
    return CacheSummary(
        root=root,
        made_by=index.origin.networks,
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
    """Find the faults of a feature cache by reading every byte; sorted by unit.

    Args:
        index: index of the cache.
        clips: present crops; features of other crops, and of crops that are gone, are stale. None checks no crops.
        tick: called with the name of each unit whose file was read.
    """
    faults = {fault.unit: fault for fault in index.faults()}
    whole = [known for name, known in sorted(index.units.items()) if name not in faults]
    for known, found in map_ahead(lambda known: (known, _sha256(feature_file(index.root, known.unit))), whole, THREADS):
        if found != known.sha256:
            faults[known.unit] = Fault(known.unit, "corrupt", "other bytes than were written")
        tick(known.unit)
    if clips is not None:
        for fault in _stale(index, clips):
            faults.setdefault(fault.unit, fault)
    return tuple(faults[unit] for unit in sorted(faults))


def remove(index: FeatureIndex, faults: Iterable[Fault]) -> None:
    """Delete faulty units, files and index entries, and the unfinished files of killed runs.

    Args:
        index: index of the cache when it was verified; units that were made again since are kept.
        faults: faults of the units to delete.

    Raises:
        ProblemError: D36 a run is at work in the folder, F01 a file cannot be removed.
    """
    units = {fault.unit for fault in faults}
    with only_run(index.root):
        now = open_cache(index.root)
        gone = {unit for unit in units if now.units.get(unit) == index.units.get(unit)}
        for path in [*(feature_file(index.root, unit) for unit in sorted(gone)), *_leftovers(index.root)]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(path, error, "a file to remove", "check its rights") from error
        rest = {name: known for name, known in now.units.items() if name not in gone}
        replace(now, units=rest).write()


def _stale(index: FeatureIndex, clips: Sequence[Clip]) -> Generator[Fault]:
    for unit in index.units.keys() - {clip.video for clip in clips}:
        yield Fault(unit, "stale", "its crops are gone")
    for clip, digest in digest_clips(clip for clip in clips if clip.video in index.units):
        known = index.units[clip.video]
        if isinstance(digest, ProblemError):
            yield Fault(clip.video, "stale", f"its crops cannot be read: {digest.problems[0].found}")
        elif digest != known.clip:
            yield Fault(clip.video, "stale", "its crops have changed")
        elif _is_cut_otherwise(clip, known):
            yield Fault(clip.video, "stale", "its crops are now made in another way")


def _is_cut_otherwise(clip: Clip, known: CachedUnit) -> bool:
    """True where the crops are known to be made in another way than those of the features."""
    # a description that was written later changes no crop
    return known.recipe is not None and known.recipe != clip.crop_recipe


def _sha256(path: Path) -> str:
    try:
        return sha256_of_file(path)
    except OSError:
        return ""


def _leftovers(root: Path) -> list[Path]:
    """Files that killed runs left unfinished."""
    return [path for part in (SUFFIX, INDEX) for path in root.glob(f".*{part}.*")]
