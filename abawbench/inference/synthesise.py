"""Gives faces other expressions: a folder of crops for each expression, a manifest, and a sheet to look at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import make_folder, read_input, stream_folder, sweep, write_file
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, Problems, did_you_mean, unreadable
from abawbench.clips import sheet
from abawbench.clips.clip import Clip, Frames
from abawbench.clips.crop import Crop
from abawbench.clips.crop_file import write_crop
from abawbench.clips.features import FeatureClip
from abawbench.clips.images import Image, encode_jpeg, read_image
from abawbench.clips.synthetic_faces import COLUMNS, MANIFEST, SyntheticFace, hashes_of_parents, manifest_of
from abawbench.entries.contract import place_in
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import Answers, Card, DeviceEntry, Entry, FrameFeatures, Synthesiser
from abawbench.inference import FACES, UNITS
from abawbench.inference.precision import ANSWERS, Measure, Parity
from abawbench.inference.run import DEFAULTS, RunOptions, RunProgress, RunSummary, run
from abawbench.inference.store import entry_record
from abawbench.labels import class_named, known_name

RECORD, SHEET = "synthesis.json", "sheet.jpg"
# faces on a sheet at most, and the least side of a picture there in pixels
MOST_ROWS, LEAST_SIDE = 24, 96
# width of the names beside the rows
NAMES = 110


def require_synthesiser(entry: Entry) -> Synthesiser:
    """The entry as one that gives faces other expressions. Raises: ProblemError E23, it has no generator."""
    if isinstance(entry, Synthesiser):
        return entry
    fix = "name an entry with a generator, as 2020_zhao_fersnet, or a run folder of its training"
    raise ProblemError(Problem("E23", f"{entry.card.name} cannot synthesise", "an entry with a generator", fix))


def select_expressions(entry: Synthesiser, names: Sequence[str]) -> tuple[str, ...]:
    """The expressions of these names or synonyms, each once, in the order of the entry; all of them for no names.

    Raises:
        ProblemError: C02, for each name that is none of the entry's expressions.
    """
    problems = Problems()
    found: set[str] = set()
    for name in names:
        meant = class_named(name, entry.expressions)
        if meant is None:
            expected = f"an expression of {entry.card.name}: {', '.join(entry.expressions)}"
            lower = [one.lower() for one in entry.expressions]
            # what is an expression, and none of the entry's, is no slip of the pen
            fix = "name another one, or another entry" if known_name(name) else did_you_mean(name.lower(), lower)
            problems.add(Problem("C02", f"--to {name}", expected, fix))
        else:
            found.add(meant)
    problems.raise_if_any()
    return tuple(one for one in entry.expressions if one in found or not names)


def synthesise(
    entry: Synthesiser,
    clips: Sequence[Clip],
    out: Path,
    expressions: Sequence[str],
    options: RunOptions = DEFAULTS,
    *,
    source: Path | None = None,
    report: Callable[[RunProgress], None] = lambda _: None,
    resumed: Callable[[int, int], None] = lambda *_: None,
) -> RunSummary:
    """Synthesise every face of the clips in each expression; units that the folder already has are kept.

    `out/<expression>` is a folder of crops, `<unit>/00001.png` and so on; every picture says in a text chunk that it is
    synthetic. `out/manifest.csv` has a row for each picture, and `out/sheet.jpg` shows up to 24 of the faces.

    Args:
        entry: entry with a generator.
        clips: one clip of crops for each unit.
        out: folder of the pictures, new or of the same run.
        expressions: expressions to give, of those of the entry.
        options: device and batch; the generator runs in float32.
        source: file that describes the entry; None for an entry without one.
        report: called with the progress, a few times a second at most.
        resumed: called with the numbers of units that an earlier run finished, and of all.

    Raises:
        ProblemError: faults that stop the whole run: P06 the folder holds something else; E06 the clips are features;
            D36 another run is at work; F01.
    """
    if any(isinstance(clip, FeatureClip) for clip in clips):
        raise ProblemError(Problem("E06", "features", "crops", "name the folder of crops that they were made from"))
    # before it is moved, and as JSON has it
    record = json.loads(
        json.dumps({"synthetic": True, "expressions": expressions, **entry_record(entry, options.device, source)})
    )
    if isinstance(entry, DeviceEntry):
        moved = entry.at(options.device, "float32")
        assert isinstance(moved, Synthesiser)
        entry = moved
    progress = _Progress(report)
    sink = _FaceSink(out, entry, tuple(expressions), record, clips, options.batch, progress)
    return run(_Faces(entry.card), clips, sink, options, report=progress, resumed=resumed)


@dataclass(frozen=True, slots=True)
class _Faces:
    """A synthesiser as `run` takes it: nothing is encoded, since nobody asks for answers."""

    card: Card

    def predict(self, clip: Clip) -> Answers:
        raise NotImplementedError


class _Progress:
    """The progress of a run, which a long unit may also report in between.

    Args:
        report: called with the progress.
    """

    def __init__(self, report: Callable[[RunProgress], None]) -> None:
        self._report = report
        self._last: RunProgress | None = None

    def __call__(self, progress: RunProgress) -> None:
        """Report the progress of the run between two units."""
        self._last = progress
        self._report(progress)

    def within(self, frames: int) -> None:
        """Report the frames of the unit under way that are done, on top of those of the units before."""
        if self._last is not None:
            self._report(replace(self._last, frames=(self._last.frames[0] + frames, self._last.frames[1])))


class _FaceSink:
    """A folder of synthesised faces that a run writes into.

    Args:
        root: the folder.
        entry: entry with a generator, on the device of the run.
        expressions: expressions to give.
        record: what made the content of the folder.
        clips: all clips of the run.
        batch: number of crops in a forward pass.
        progress: gets the progress within a unit.
    """

    measure: Measure = ANSWERS

    def __init__(
        self,
        root: Path,
        entry: Synthesiser,
        expressions: tuple[str, ...],
        record: Mapping[str, Any],
        clips: Sequence[Clip],
        batch: int,
        progress: _Progress,
    ) -> None:
        self.root = root
        self._entry, self._expressions, self._record = entry, expressions, record
        self._clips, self._batch, self._progress = clips, batch, progress
        # units that hold the faces of this run
        self._finished: set[str] = set()

    def check_folder(self) -> None:
        path = self.root / RECORD
        if path.is_file():
            differing = _differing(path, self._record)
            if differing:
                found, expected = f"faces of {' and '.join(differing)}", "those of this run"
                raise ProblemError(Problem("P06", found, expected, "name another folder", str(self.root)))
        elif self.root.exists() and not self.root.is_dir():
            raise ProblemError(Problem("F01", "a file", "a folder for the faces", "name another", str(self.root)))
        elif self.root.is_dir() and any(one.name != FACES and one.name[0] != "." for one in self.root.iterdir()):
            expected = "synthesised faces, or an empty folder"
            raise ProblemError(Problem("P06", "something else", expected, "name a new folder", str(self.root)))
        make_folder(self.root)

    def previous_parity(self) -> None:
        return None

    def begin(self, entry: Entry, parity: Parity | None) -> None:
        del entry, parity
        write_file(self.root / RECORD, json.dumps(self._record, indent=1).encode())
        crop = _common_crop(self._clips)
        for expression in self._expressions:
            make_folder(self.root / expression)
            sweep(self.root / expression)
            if crop is not None:
                write_crop(self.root / expression, crop)
        make_folder(self.root / UNITS)
        sweep(self.root / UNITS)

    def holds(self, unit: str) -> bool:
        return _read_facts(self._facts_file(unit)) is not None

    def has(self, clip: Clip, digest: str) -> bool:
        facts = _read_facts(self._facts_file(clip.video))
        folders = (self.root / expression / clip.video for expression in self._expressions)
        is_finished = facts is not None and facts["clip"] == digest and all(folder.is_dir() for folder in folders)
        if is_finished:
            self._finished.add(clip.video)
        return is_finished

    def put(self, clip: Clip, digest: str, features: FrameFeatures | None) -> tuple[Problem, ...]:
        del features
        # a unit whose folders are half replaced must not pass for finished
        self._facts_file(clip.video).unlink(missing_ok=True)
        rows: list[dict[str, str]] = []
        try:
            for number, expression in enumerate(self._expressions):
                folder = self.root / expression / clip.video
                if folder.exists():
                    shutil.rmtree(folder)
                stream_folder(folder, self._pictures(clip, expression, number / len(self._expressions), rows))
        except ProblemError as error:
            return error.problems
        write_file(self._facts_file(clip.video), json.dumps({"clip": digest, "rows": rows}, indent=1).encode())
        self._finished.add(clip.video)
        return ()

    def _pictures(
        self, clip: Clip, expression: str, done: float, rows: list[dict[str, str]]
    ) -> Iterator[tuple[str, bytes]]:
        """Name and content of each file of a unit in one expression; adds the rows of the manifest to `rows`."""
        positions = np.flatnonzero(clip.valid)
        parents = hashes_of_parents(clip, positions)
        for begin in range(0, len(positions), self._batch):
            part = positions[begin : begin + self._batch]
            made = self._faces(clip, clip.read(part), expression)
            own = parents[begin : begin + len(part)]
            for parent, number, picture in zip(own, clip.frame[part].tolist(), made, strict=True):
                name = f"{number:05d}.png"
                face = SyntheticFace(expression, f"{clip.video}/{number:05d}", self._entry.card.name)
                data = face.encode(picture)
                rows.append(face.row(f"{expression}/{clip.video}/{name}", data, parent))
                yield name, data
            share = (begin + len(part)) / len(positions) / len(self._expressions)
            self._progress.within(int((done + share) * len(positions)))

    def _faces(self, clip: Clip, crops: Frames, expression: str) -> Frames:
        """What the entry makes of crops. Raises: ProblemError E12 it fails, E13 it makes something else."""
        place = place_in(self._entry.card, clip.video)
        with reporting_failures(place, "a face with another expression"):
            made: Any = self._entry.synthesise(crops, expression)
        if isinstance(made, np.ndarray) and (made.shape, made.dtype) == (crops.shape, crops.dtype):
            return made
        kind = f"{made.dtype} {made.shape}" if isinstance(made, np.ndarray) else type(made).__name__
        expected, fix = f"uint8 {crops.shape}", "correct the entry's synthesise"
        raise ProblemError(Problem("E13", f"{place}: {kind} for {expression}", expected, fix))

    def close(self) -> None:
        found = [_read_facts(path) for path in sorted((self.root / UNITS).glob("*.json"))]
        write_file(self.root / MANIFEST, manifest_of(row for facts in found if facts for row in facts["rows"]))
        page = self._sheet([clip for clip in self._clips if clip.video in self._finished])
        if page is not None:
            write_file(self.root / SHEET, encode_jpeg(page))

    def _sheet(self, clips: Sequence[Clip]) -> Image | None:
        """The sheet of at most `MOST_ROWS` faces, evenly spread over all of them; None where there are none."""
        faces = [(clip, position) for clip in clips for position in np.flatnonzero(clip.valid).tolist()]
        if not faces:
            return None
        shown = np.unique(np.linspace(0, len(faces) - 1, min(len(faces), MOST_ROWS)).round().astype(int))
        side = max(LEAST_SIDE, clips[0].size)
        columns = 1 + len(self._expressions)
        titles = sheet.title_row(["source", *self._expressions], side, columns)
        heading = np.full((sheet.TITLE, NAMES + titles.shape[1], 3), titles.max(), np.uint8)
        sheet.write_text(heading, f"synthesised by {self._entry.card.name}", 2, sheet.TITLE - 6)
        rows = [heading, _beside("", titles)]
        for place in shown.tolist():
            clip, position = faces[place]
            number = int(clip.frame[position])
            paths = [self.root / one / clip.video / f"{number:05d}.png" for one in self._expressions]
            pictures = [clip.read(np.array([position]))[0], *(read_image(path) for path in paths)]
            row = sheet.picture_row([_enlarged(picture, side) for picture in pictures], side, columns)
            rows.append(_beside(f"{clip.video} {number}", row))
        return np.concatenate(rows)

    def _facts_file(self, unit: str) -> Path:
        return self.root / UNITS / f"{unit}.json"


def _differing(path: Path, record: Mapping[str, Any]) -> list[str]:
    """What differs between the record in a file and that of a run; the whole record where it cannot be read."""
    try:
        before = parse_fields(read_input(path))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError:
        return ["a run whose record is damaged"]
    names = {"card": "another entry", "source": "another entry file", "expressions": "other expressions",
             "versions": "other versions"}  # fmt: skip
    return [names.get(name, f"another {name}") for name in record if before.get(name) != record[name]]


def _read_facts(path: Path) -> dict[str, Any] | None:
    """The facts about a finished unit; None where it is not finished, or its file is damaged."""
    try:
        facts = parse_fields(read_input(path))
        is_whole = isinstance(facts["clip"], str) and all(row.keys() == set(COLUMNS) for row in facts["rows"])
        return facts if is_whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ProblemError):
        return None


def _common_crop(clips: Sequence[Clip]) -> Crop | None:
    """What all crops show, and their size; None where they differ, or some do not say."""
    crops = {clip.crop for clip in clips}
    return crops.pop() if len(crops) == 1 else None


def _enlarged(picture: Image, side: int) -> Image:
    import cv2

    if len(picture) == side:
        return picture
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def _beside(name: str, row: Image) -> Image:
    """A row of a sheet with a name to the left of it."""
    left = np.full((len(row), NAMES, 3), row.max(), np.uint8)
    sheet.write_text(left, name, 2, len(row) // 2)
    return np.concatenate([left, row], axis=1)
