"""abawbench train: train an entry on crops or features, into a run folder that is an entry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.base.files import check_output
from abawbench.base.toml_text import parse_toml
from abawbench.cli.options import PATH, deal_option, json_option, options_from, resolve_device, submissions_option
from abawbench.cli.output import ProgressLine, duration, exits_on_problems, print_json, print_table, tell, tell_resumed
from abawbench.training.settings import TrainOptions

if TYPE_CHECKING:
    from abawbench.training.sources import Source
    from abawbench.training.train import TrainProgress, TrainSummary


def _changes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, Any]:
    """Parse changes such as `training.epochs=5`, whose values are TOML literals."""
    changes: dict[str, Any] = {}
    for text in value:
        name, equals, literal = text.partition("=")
        try:
            changes[name.strip()] = parse_toml(f"value = {literal}")["value"] if equals else None
        except ValueError:
            # a word without quotes is a string
            changes[name.strip()] = literal.strip()
        if not equals or not name.strip():
            raise click.BadParameter(f"'{text}' is not NAME=VALUE, as training.epochs=5", ctx, param)
    return changes


def _fold(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    number, _, folds = value.partition("/")
    if not (number.isdecimal() and folds.isdecimal()):
        raise click.BadParameter(f"'{value}' is not K/N, as 1/5", ctx, param)
    return int(number), int(folds)


def _seeds(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...]:
    parts = [part.strip() for part in (value or "").split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"'{value}' is not numbers between commas, as 1,2,3", ctx, param)
    return tuple(dict.fromkeys(int(part) for part in parts))


@click.command()
@click.argument("entry")
@click.argument("data", type=PATH, nargs=-1)
@click.option("--out", "-o", type=PATH, required=True, help="Folder of the run, new or of the same training.")
@click.option(
    "--features", type=PATH, multiple=True, help="A folder of features; those of several folders are concatenated."
)
@click.option("--truth", type=PATH, help="Folder of the files of labels.  [default: DATA]")
@click.option("--train", type=PATH, help="File of the training labels.")
@click.option("--validation", type=PATH, help="File of the validation labels.")
@click.option("--set", "changes", multiple=True, callback=_changes, metavar="NAME=VALUE", help="Change a setting.")
@click.option("--fold", callback=_fold, metavar="K/N", help="Deal all labels into N folds; K is held out.")
@click.option("--subjects", type=PATH, help="File of lines 'video,subject': for folds, and pairs of faces.")
@deal_option
@click.option("--seeds", callback=_seeds, metavar="1,2,3", help="One training for each seed, into OUT/seed1, ...")
@options_from(TrainOptions)
@submissions_option
@json_option
@exits_on_problems
def command(
    entry: str,
    data: tuple[Path, ...],
    out: Path,
    changes: dict[str, Any],
    seeds: tuple[int, ...],
    options: TrainOptions,
    submissions: Path,
    as_json: bool,
    **source: Any,
) -> None:
    """Train ENTRY on DATA, and keep the result in a run folder, which is an entry itself.

    ENTRY is an entry.toml of a network that learns; docs/training.md describes its table [training]. DATA are
    crops with labels in the layout of s-Aff-Wild2 (`synth` draws some), or features of `extract` with --truth. A run
    that was interrupted is resumed when it is started again, and ends with the same weights.

    \b
    Example:
      abawbench train 2026_me_mine out/corpus -o out/run --set training.epochs=5
      abawbench train 2026_me_mine --features out/mae --features out/ires --truth out/corpus -o out/run --seeds 1,2,3
      abawbench train 2026_abawbench_ridge-probe --features out/mae --truth out/corpus -o out/probe
      abawbench predict out/run out/corpus -o out/predictions
    """
    check_output(out, *data, *source["features"], source["truth"], source["train"], source["validation"])
    tell(f"train: {entry}, into {out}")
    from abawbench.training.train import train

    file = _file(entry, submissions)
    places = _source(data, **source)
    options = replace(options, device=resolve_device(options.device))
    summaries: dict[str, TrainSummary] = {}
    resumed = tell_resumed("epochs")
    for name, run, seeded in _runs(out, changes, seeds):
        lines = _EpochLines(name)
        summaries[name or "run"] = train(
            file, places, run, seeded, options, report=lines.show, resumed=resumed, notice=tell
        )
        lines.end()
    if os.environ.get("RANK", "0") != "0":
        # only the first of several processes prints
        return
    if as_json:
        print_json({name: _json(summary) for name, summary in summaries.items()})
    else:
        _print(summaries, places)


def _source(data: tuple[Path, ...], *, features: tuple[Path, ...], subjects: Path | None, **options: Any) -> Source:
    from abawbench.formats import read_subjects
    from abawbench.training.sources import Source

    paths = (*data, *features)
    if not paths:
        raise click.UsageError("name DATA, or --features")
    return Source(paths, subjects=None if subjects is None else read_subjects(subjects), **options)


def _file(entry: str, submissions: Path) -> Path:
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.entries.loading import find_entry_file

    path = find_entry_file(entry, root=submissions)
    if path is None:
        expected = f"a folder of {submissions} that has an entry.toml, or a path to one"
        raise ProblemError(Problem("E01", f"entry {entry}", expected, "check the name"))
    return path


def _runs(out: Path, changes: Mapping[str, Any], seeds: tuple[int, ...]) -> list[tuple[str, Path, dict[str, Any]]]:
    if not seeds:
        return [("", out, dict(changes))]
    return [(f"seed{seed}", out / f"seed{seed}", {**changes, "training.seed": seed}) for seed in seeds]


class _EpochLines:
    """Progress of a training: a line that changes within an epoch, and a line that stays for each epoch."""

    def __init__(self, name: str) -> None:
        self._name = f"{name} " if name else ""
        self._line = ProgressLine("steps")

    def show(self, progress: TrainProgress) -> None:
        """Show the progress."""
        if progress.row is None:
            self._line.show(progress.steps, progress.frames, progress.seconds)
            return
        self.end()
        row = progress.row
        losses = " ".join(f"{name} {value:.4f}" for name, value in row["loss"].items())
        figures = " ".join(f"{name} {value:.4f}" for name, value in row["terms"].items() if value is not None)
        score = "" if row["score"] is None else f" | score {row['score']:.4f}"
        place = f"{self._name}epoch {progress.epoch[0]}/{progress.epoch[1]}"
        tell(f"{place}: loss {losses}{score}{' | ' * bool(figures)}{figures} | {duration(progress.seconds)}")
        self._line = ProgressLine("steps")

    def end(self) -> None:
        """Clear the line."""
        self._line.end()


def _json(summary: TrainSummary) -> dict[str, Any]:
    return {
        "out": str(summary.out),
        "was_finished": summary.was_finished,
        "epochs": len(summary.history),
        "best": summary.best,
    }


def _print(summaries: Mapping[str, TrainSummary], source: Source) -> None:
    rows = [
        [name, task, best["epoch"], "" if best["value"] is None else f"{best['value']:.4f}"]
        for name, summary in summaries.items()
        for task, best in summary.best.items()
    ]
    print_table(rows, ["run", "best by", "epoch", "on the validation split"])
    for name, summary in summaries.items():
        kept = ", finished before" if summary.was_finished else ""
        count = len(summary.history)
        click.echo(f"{name}: {count} epoch{'s' * (count != 1)}{kept}; {summary.out}")
    first = next(iter(summaries.values())).out
    click.echo(f"next: abawbench predict {first} {' '.join(map(str, source.data))} -o {first / 'predictions'}")
