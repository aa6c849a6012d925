"""abawbench synth: make a synthetic corpus with known truth."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from abawbench.cli.options import PATH, json_option, options_from
from abawbench.cli.output import exits_on_problems, print_json, print_table, tell, tell_resumed, writing
from abawbench.synthetic.quirks import QUIRKS
from abawbench.synthetic.settings import TASKS, CorpusSettings

# seconds between two lines of progress
PAUSE_S = 2.0


def _parse_quirks(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Parse a comma-separated list of quirks; `all` stands for all of them."""
    import difflib

    names = tuple(name for name in (part.strip() for part in (value or "").split(",")) if name)
    if names == ("all",):
        return tuple(QUIRKS)
    for name in names:
        if name not in QUIRKS:
            near = difflib.get_close_matches(name, QUIRKS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(QUIRKS)}, or all"
            raise click.BadParameter(f"no quirk '{name}'; {hint}", ctx, param)
    return names


def _parse_counts(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, int]:
    """Parse `task=number` pairs, separated by commas."""
    counts: dict[str, int] = {}
    for part in (value or "").split(","):
        task, _, count = (text.strip() for text in part.partition("="))
        if not part.strip():
            continue
        if task not in TASKS or not count.isdecimal():
            expected = ", ".join(f"{name}=N" for name in TASKS)
            raise click.BadParameter(f"'{part.strip()}' is none of {expected}", ctx, param)
        if task in counts:
            raise click.BadParameter(f"{task} twice", ctx, param)
        counts[task] = int(count)
    return counts


@click.command()
@click.argument("out", type=PATH, required=False)
@options_from(CorpusSettings, "settings")
@click.option(
    "--without",
    metavar="QUIRKS",
    callback=_parse_quirks,
    help=f"Quirks to turn off, separated by commas: {', '.join(QUIRKS)}; or all.",
)
@click.option(
    "--labelled",
    metavar="TASK=N,...",
    callback=_parse_counts,
    help=f"Number of training frames with labels of {', '.join(TASKS)}; other tasks keep theirs.",
)
@click.option("--labels-only", is_flag=True, help="Write labels only, without pictures.")
@click.option("--workers", type=click.IntRange(1), help="Number of processes that draw.  [default: one for each core]")
@click.option(
    "--sheet", type=PATH, metavar="FILE", help="Write a contact sheet of faces (.png or .jpg), and no corpus."
)
@json_option
@exits_on_problems
def command(
    out: Path | None,
    settings: CorpusSettings,
    without: tuple[str, ...],
    labelled: dict[str, int],
    labels_only: bool,
    workers: int | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """Make a corpus in OUT: faces, labels and lists in the layouts of Aff-Wild2 and s-Aff-Wild2, and the full truth.

    Equal settings give equal bytes. An interrupted run is resumed when it is started again. OUT/truth holds the labels
    that no participant knows. docs/synthetic.md describes the model and the quirks of the real data that are imitated.

    \b
    Example:
      abawbench synth out/corpus --videos 30 --frames 200 --seed 0
      abawbench synth out/labels --videos 300 --frames 9000 --labels-only --without lag,label-noise
      abawbench synth out/small --videos 6 --frames 60 --film 2
      abawbench synth --sheet faces.png
    """
    if sheet is not None:
        if out is not None:
            raise click.UsageError("--sheet writes the sheet alone: leave OUT out")
        _write_sheet(sheet, settings.seed)
        return
    if out is None:
        raise click.UsageError("name the folder OUT, or a --sheet")
    if settings.films and labels_only:
        raise click.UsageError("--film needs pictures: leave --labels-only out")
    if settings.films > settings.videos:
        raise click.UsageError(f"--film {settings.films}: there are {settings.videos} videos")
    tell(f"synth: {settings.videos:,} videos, into {out}")
    from abawbench.synthetic.official import write_corpus

    settings = replace(settings, without=tuple(sorted(without)), labelled=labelled, pictures=not labels_only)
    resumed = tell_resumed("units")
    count = workers or os.cpu_count() or 1
    card = write_corpus(settings, out, workers=count, report=DrawingProgress(), resumed=resumed)
    if as_json:
        print_json(card)
    else:
        _print_card(card, out)


class DrawingProgress:
    """Progress with a line every two seconds: frames done, frames per second, and the time that is left."""

    def __init__(self) -> None:
        self._begin = self._said = time.monotonic()
        self._total = 0

    def __call__(self, done: int, total: int) -> None:
        """Report the progress.

        Args:
            done: number of frames done.
            total: number of frames in all.
        """
        now = time.monotonic()
        if total != self._total:
            self._begin, self._total = (self._said, total)
        if now - self._said < PAUSE_S and done < total:
            return
        self._said = now
        rate = done / max(now - self._begin, 1e-9)
        left = f", {(total - done) / rate:,.0f} s left" if rate and done < total else ""
        tell(f"  {done:,} of {total:,} frames, {rate:,.0f} a second{left}")


def _write_sheet(sheet: Path, seed: int) -> None:
    suffix = sheet.suffix.lower()
    if suffix not in {".png", ".jpg", ".jpeg"}:
        raise click.UsageError(f"--sheet {sheet}: the name ends in .png or .jpg")
    from abawbench.synthetic.official import require_renderer

    require_renderer(with_films=False)
    from abawbench.synthetic.sheet import write_contact_sheet

    with writing(sheet):
        write_contact_sheet(sheet, seed)
    click.echo(f"{sheet} written")


def _print_card(card: dict[str, Any], out: Path) -> None:
    rows: list[list[str]] = []
    for split, held in card["counts"]["splits"].items():
        annotated = [f"{count:,}" for count in held["annotated"].values()]
        rows.append([split, *(f"{held[name]:,}" for name in ("units", "people", "rows", "repeated")), *annotated])
    headers = ["split", "units", "people", "rows", "repeated", "with VA", "with expression", "with action units"]
    print_table(rows, headers, title=f"{out}: rows of s-Aff-Wild2's files")
    counts = card["counts"]
    off = card["settings"]["without"]
    click.echo(f"{counts['units']:,} units, {counts['frames']:,} frames, {counts['crops']:,} crops")
    step = card["settings"]["step"]
    if step > 1:
        click.echo(f"one frame in {step:,} has labels and a crop; the others are neither annotated nor drawn")
    click.echo(f"quirks off: {', '.join(off)}" if off else "all quirks are on; --without turns them off")
