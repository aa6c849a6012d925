"""abawbench predict: run an entry on crops, features or videos, into a store of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from abawbench.base.files import check_output
from abawbench.cli import runs
from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    TunedOptions,
    allow_filled_option,
    choice_option,
    tuned_files,
    tuned_options,
)
from abawbench.cli.output import detail, exits_on_problems, say, say_remarks, stage, tell, tell_resumed
from abawbench.fill import FRAME_POLICIES

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.entries import Card, Entry
    from abawbench.fill import FramePolicy
    from abawbench.tuning.use import TunedFile


@click.command()
@click.argument("entry")
@click.argument("data", type=PATH, nargs=-1, required=True)
@click.option("--out", "-o", type=PATH, required=True, help="Folder of the store, new or of the same entry.")
@choice_option(
    "--fill",
    choices=FRAME_POLICIES,
    default="none",
    text="Policy for frames without a face.",
)
@click.option(
    "--write",
    "challenges",
    type=CHALLENGE,
    multiple=True,
    metavar="CHALLENGE",
    help="Write the challenge's file of all frames into OUT/files as well; may be given several times.",
)
@allow_filled_option
@tuned_options()
@runs.run_options
@exits_on_problems
def command(
    entry: str,
    data: tuple[Path, ...],
    out: Path,
    fill: FramePolicy,
    challenges: tuple[Challenge, ...],
    allow_filled: float,
    tuned: Path | None,
    request: runs.RunRequest,
    **further: Unpack[TunedOptions],
) -> None:
    """Predict every frame of DATA with ENTRY, and keep the predictions in a store.

    ENTRY is a folder of submissions/, the path of such a folder, `<folder>/tiny`, module:factory, or the name that an
    installed package registers. DATA are crops (<unit>/00001.jpg, or the output of `faces`), features
    (<unit>.safetensors), tables of a toolkit (<unit>.csv, or <unit>/00001.csv for each picture), or videos and
    pictures, whose faces are first cropped into OUT/faces as the card of ENTRY asks. Several folders of features are
    put end to end, as in `train`. A second run does only what is new
    or changed. `score`, `diff` and `write` take a store in place of predictions.

    \b
    Example:
      abawbench predict 2019_kollias_facebehaviornet/tiny me.mp4 -o out/me --fill nearest --write abaw10-va
      abawbench predict submissions/2026_me_mine cropped_aligned -o out/mine
    """
    (tuned_values,) = tuned_files(further, tuned)
    if tuned_values is not None:
        if not challenges:
            raise click.UsageError("--tuned goes with --write: a store holds what the entry itself answers")
        from abawbench.tuning.steps.tuned import read_tuned

        # a file that is wrong is found out before the run
        read_tuned(tuned_values.path)
    for path in data:
        check_output(out, path)
    tell(f"predict: {entry} over {', '.join(map(str, data))}, into {out}")
    from abawbench.entries.loading import find_entry_file
    from abawbench.entries.model import TableEntry
    from abawbench.inference.predict import predict

    entry, (out, submissions, *places) = runs.resolve_places(request.address, entry, out, request.submissions, *data)
    source = find_entry_file(entry, root=submissions)
    load = partial(_load, entry, submissions, places)
    with stage("loading the entry"):
        loaded = load()
    say_remarks(loaded.card.notes)
    notes = runs.say_network_notes(loaded.card)
    tables = loaded.tables() if isinstance(loaded, TableEntry) else None
    if tables is not None:
        opened, kind, clips = None, "tables", tables.clips
    else:
        with stage("finding the data"):
            opened = runs.open_data(places, out, loaded.card, request.weights)
        kind, clips = opened.kind, opened.clips
    detail(f"{loaded.card.name}: {len(clips):,} units from {kind}")
    options = runs.resolve_options(request, loaded, load)
    detail(f"device: {options.device}")
    resumed = tell_resumed("units")
    with runs.progress_of_units() as report:
        summary = predict(loaded, clips, out, options, fill=fill, source=source, report=report, resumed=resumed)
    values: dict[str, object] = {"files": {}}
    lines: dict[str, object] = {"store": out}
    if tables is not None:
        summary = runs.with_tables(summary, tables)
        values["rows"] = runs.rows_of_tables(tables)
        lines = {"rows": runs.describe_rows(runs.rows_of_tables(tables)), **lines}
    if opened is not None:
        summary = runs.with_notes(summary, opened)
    # the cause of what is missing comes before its consequences
    runs.say_problems(summary)
    summary = replace(summary, problems=(*notes, *summary.problems))
    if summary.made + summary.kept or not summary.problems:
        files = {challenge.id: str(_write(out, challenge, allow_filled, tuned_values)) for challenge in challenges}
        _say_uncovered(loaded.card, challenges)
        values["files"] = files
        lines |= files
    runs.print_summary(summary, kind, as_json=request.as_json, values=values, lines=lines)


def _load(name: str, submissions: Path, data: Sequence[Path]) -> Entry:
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.entries.model import TableEntry

    found = runs.load_fitted(name, submissions)
    if isinstance(found, TableEntry):
        if len(data) > 1:
            problem = Problem("C02", f"{len(data)} folders of tables", "one", "put the tables into one folder")
            raise ProblemError(problem)
        return found.reading(data[0])
    return found


def _write(out: Path, challenge: Challenge, allow_filled: float, tuned: TunedFile | None) -> Path:
    """Write every frame of the store in the format of a challenge, and say what is filled; return the path."""
    from abawbench.api import read_predictions
    from abawbench.base.problems import remarks
    from abawbench.formats.write import write_all
    from abawbench.inference import FILES

    table, _ = read_predictions(challenge, out, tuned)
    written = write_all(challenge, table, out / FILES, allow_filled)
    if written.answers.filled:
        say(f"{written.path}: {written.answers.describe()}")
    say_remarks(remarks(written.notes))
    return written.path


def _say_uncovered(card: Card, challenges: tuple[Challenge, ...]) -> None:
    from abawbench.entries import uncovered

    for challenge in challenges:
        for task, names in uncovered(card, challenge).items():
            say(f"note: {card.name} does not answer {task} {', '.join(names)}: 0 in the file of {challenge.id}")
