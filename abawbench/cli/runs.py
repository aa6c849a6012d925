"""Code that `predict` and `extract` share: DATA as clips, progress, Ray workers, and the summary of a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli.options import (
    cluster_options,
    detector_option,
    json_option,
    options_from,
    resolve_device,
    submissions_option,
)
from abawbench.cli.output import ProgressLine, duration, print_json, say, say_remarks, tell, tell_resumed
from abawbench.inference.run import RunOptions

if TYPE_CHECKING:
    from abawbench.base.problems import Problem
    from abawbench.clips.open import ClipSource
    from abawbench.entries import Card, Entry
    from abawbench.entries.model import TableClips
    from abawbench.inference.precision import Comparison, Parity
    from abawbench.inference.run import RunProgress, RunSummary


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the options that `predict` and `extract` share ask for.

    Attributes:
        options: options of the run.
        submissions: folder of the entries.
        weights: ONNX file of the face detector; None takes the default.
        address: address of a Ray cluster; None runs on this machine.
        as_json: True to print JSON.
    """

    options: RunOptions
    submissions: Path
    weights: Path | None
    address: str | None
    as_json: bool


def run_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run; the verb gets them as `request`."""
    names = [field.name for field in fields(RunRequest)]

    @wraps(verb)
    def called(*args: Any, **values: Any) -> Any:
        return verb(*args, request=RunRequest(**{name: values.pop(name) for name in names}), **values)

    result: Callable[..., Any] = called
    for option in (json_option, cluster_options, detector_option, submissions_option, options_from(RunOptions)):
        result = option(result)
    return result


def resolve_places(address: str | None, name: str, *paths: Path) -> tuple[str, list[Path]]:
    """A name and paths as the machines of a cluster need them, which start in folders of their own: absolute.

    Args:
        address: address of the cluster; None leaves everything as it is.
        name: a name, which may be a path.
        paths: paths.
    """
    if address is None:
        return name, list(paths)
    return str(Path(name).resolve()) if Path(name).exists() else name, [path.resolve() for path in paths]


def load_fitted(name: str, submissions: Path) -> Entry:
    """Load an entry that can predict.

    Raises:
        ProblemError: E11, the entry is not fitted yet; what `load_entry` raises.
    """
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.entries import Trainable, load_entry

    found = load_entry(name, root=submissions)
    if isinstance(found, Trainable):
        fix = "fit it and save it, or name an entry with weights"
        raise ProblemError(Problem("E11", f"{found.card.name} is not fitted yet", "an entry that can predict", fix))
    return found


def open_data(data: Sequence[Path], out: Path, card: Card, weights: Path | None) -> ClipSource:
    """Open DATA as clips; faces of videos and pictures are cropped into a folder under OUT first.

    Args:
        data: path that the user named, or several folders of features, which are put end to end.
        out: folder of the run.
        card: card of the entry that gets the clips, which says what the crops show, and their size; where it does not
            know, they are those of recognition networks.
        weights: ONNX file of the face detector; None takes the default.

    Raises:
        ProblemError: E16 the card names no crop that can be made, P03 there is nothing to crop; what `open_clips`,
            `open_features` and `crop_faces` raise.
    """
    from abawbench.clips.open import open_clips, open_features

    if len(data) > 1:
        return open_features(data)
    return open_clips(data[0], faces=lambda: _crop_faces(data[0], out, card, weights))


def resolve_options(request: RunRequest, entry: Entry, load: Callable[[], Entry]) -> RunOptions:
    """Resolve the device and the cluster of a run.

    Args:
        request: options of the command line.
        entry: the entry; one that runs on the CPU alone does so, without torch, and the user is told where another
            device was named.
        load: function that loads the entry; it can be pickled.

    Raises:
        ProblemError: C02, there is no such device.
    """
    from abawbench.inference.ray_workers import RayWorkers

    workers = None if request.address is None else RayWorkers(load, request.address)
    return replace(request.options, device=device_of(entry, request.options.device), workers=workers)


def device_of(entry: Entry, named: str) -> str:
    """The device that an entry runs on, where the user named one; an entry of the CPU alone says so.

    Raises:
        ProblemError: C02, there is no such device.
    """
    from abawbench.entries.model import DeviceEntry

    if isinstance(entry, DeviceEntry):
        return resolve_device(named)
    if named not in {"auto", "cpu"}:
        say_remarks([f"{entry.card.name} runs on the CPU alone, and not on {named}"])
    return "cpu"


@contextmanager
def progress_of_units() -> Generator[Callable[[RunProgress], None]]:
    """Yield a function that shows the progress of a run, and clear its line at the end."""
    line = ProgressLine("units")
    yield lambda progress: line.show(progress.units, progress.frames, progress.seconds)
    line.end()


def with_tables(summary: RunSummary, tables: TableClips) -> RunSummary:
    """A summary that also counts the tables that could not be read, and has their problems."""
    return replace(
        summary,
        units=summary.units + len(tables.unread),
        left_out=(*tables.unread, *summary.left_out),
        problems=(*tables.problems, *summary.problems),
    )


def with_notes(summary: RunSummary, source: ClipSource) -> RunSummary:
    """A summary that also has the notes on the folder of the data."""
    return replace(summary, problems=(*source.notes, *summary.problems))


def rows_of_tables(tables: TableClips) -> dict[str, int]:
    """How many rows the tables have, and how many of them are no answers, by the reason."""
    return {"all": tables.rows, "of_others": tables.of_others, "without_face": tables.without_face}


def describe_rows(rows: Mapping[str, int]) -> str:
    """The counts of `rows_of_tables` as text."""
    others = f"{rows['of_others']:,} of other faces, {rows['without_face']:,} without a face"
    return f"{rows['all']:,} in the tables: {others}"


def print_summary(
    summary: RunSummary, kind: str, *, as_json: bool, values: Mapping[str, Any], lines: Mapping[str, object]
) -> None:
    """Print a summary; with problems that are more than notes, the exit status is 1.

    The problems themselves are said by `say_problems`, before anything is made of the results.

    Args:
        summary: summary of the run.
        kind: kind of data that it ran over.
        as_json: True for JSON.
        values: further values of the verb, for JSON.
        lines: further lines of the verb, by heading.
    """
    if as_json:
        problems = [problem.to_json() for problem in summary.problems]
        print_json({**asdict(summary), "seconds": round(summary.seconds, 2), "problems": problems, **values})
    else:
        _print_lines(summary, kind, lines)
    if any(not problem.is_note for problem in summary.problems):
        sys.exit(1)


def say_network_notes(card: Card) -> tuple[Problem, ...]:
    """Say the notes on the weights of an entry before it runs, and return them."""
    from abawbench.base.problems import render
    from abawbench.entries.network_notes import network_notes

    notes = network_notes(card)
    if notes:
        say(render(notes))
    return notes


def say_problems(summary: RunSummary) -> None:
    """Say the problems of the units left out, and notes."""
    from abawbench.base.problems import render

    if summary.problems:
        say(render(summary.problems))


def _print_lines(summary: RunSummary, kind: str, lines: Mapping[str, object]) -> None:
    kept = f", {summary.kept:,} kept from before" if summary.kept else ""
    lost = summary.units - summary.made - summary.kept
    left = f", {lost:,} left out" if lost else ""
    click.echo(f"units      {summary.units:,} from {kind}: {summary.made:,} done{kept}{left}")
    click.echo(f"frames     {summary.frames:,}, {summary.valid:,} with a face")
    if summary.parity is not None:
        click.echo(f"precision  {_describe_precision(summary.parity, summary.watched)}")
    click.echo(f"time       {duration(summary.seconds)}")
    for heading, text in lines.items():
        click.echo(f"{heading:10s} {text}")


def _describe_precision(parity: Parity, watched: Comparison | None) -> str:
    text: str = parity.precision
    if parity.compared is not None:
        text += f"{', which' if text == 'bfloat16' else '; bfloat16'} {parity.compared.describe()}"
    if parity.exceeded:
        text += ", and by too much later"
    return text if watched is None else f"{text}, and {watched.describe()} during the run"


def _crop_faces(data: Path, out: Path, card: Card, weights: Path | None) -> Path:
    from abawbench.base.problems import Problem, ProblemError, render
    from abawbench.clips.crop import FORMS, Crop
    from abawbench.faces.run import crop_faces
    from abawbench.faces.video_crops import FaceSettings
    from abawbench.inference import FACES

    try:
        crop = Crop.named(card.crop or "arcface-112", None if card.picture is None else card.picture.size)
    except ValueError as error:
        raise ProblemError(Problem("E16", f"{card.name}: {error}", FORMS, "correct the card")) from error
    line = ProgressLine("videos")
    folder = out / FACES
    folder.mkdir(parents=True, exist_ok=True)
    tell(f"faces: {data} into {folder}")
    summary = crop_faces(
        data,
        folder,
        FaceSettings(crop=crop),
        weights=weights,
        report=lambda at: line.show(at.videos, at.frames, at.seconds),
        resumed=tell_resumed("videos"),
    )
    line.end()
    if summary.problems:
        say(render(summary.problems))
    if not summary.crops:
        raise ProblemError(
            Problem("P03", "no face in any frame", "one face at least", "look at audit.html", str(folder))
        )
    return folder
