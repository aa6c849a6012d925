"""abawbench synth: a corpus without licence, whose truth is known."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, say

# seconds between two lines of progress
PATIENCE = 2.0
SHEET_QUALITY = 85


def _quirks(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Names between commas, each that of a quirk."""
    import difflib

    from abawbench.synthetic.quirks import QUIRKS

    names = tuple(name for name in (part.strip() for part in (value or "").split(",")) if name)
    if names == ("all",):
        return tuple(QUIRKS)
    for name in names:
        if name not in QUIRKS:
            near = difflib.get_close_matches(name, QUIRKS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(QUIRKS)}, or all"
            raise click.BadParameter(f"no quirk '{name}'; {hint}", ctx, param)
    return names


@click.command()
@click.argument("out", type=PATH, required=False)
@click.option("--videos", default=30, show_default=True, type=click.IntRange(3), help="Videos of the corpus.")
@click.option("--frames", default=200, show_default=True, type=click.IntRange(16), help="Frames a video, on average.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, another corpus.")
@click.option(
    "--step",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="s-Aff-Wild2's files list every so many frames.",
)
@click.option(
    "--without",
    metavar="QUIRKS",
    callback=_quirks,
    help="Turn off, between commas: repeats, missing-crops, partial-labels, label-sets, two-people, surplus-lines, "
    "imbalance, label-noise, lag; or all.",
)
@click.option("--labels-only", is_flag=True, help="Draw no picture.")
@click.option(
    "--film", "films", default=0, type=click.IntRange(0), metavar="N", help="Encode N of the videos as mp4 too."
)
@click.option("--workers", type=click.IntRange(1), help="Processes that draw.  [default: the cores there are]")
@click.option("--sheet", type=PATH, metavar="FILE", help="Write a contact sheet of faces alone (.png or .jpg).")
@json_option
@exits_on_problems
def command(
    out: Path | None,
    videos: int,
    frames: int,
    seed: int,
    step: int,
    without: tuple[str, ...],
    labels_only: bool,
    films: int,
    workers: int | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """Draw a corpus into OUT: faces, labels and lists as Aff-Wild2 and s-Aff-Wild2 have them, and the truth apart.

    Equal settings give equal bytes. A run that was interrupted goes on when it is started again. OUT/truth holds what
    no participant knows: docs/synthetic.md says how everything comes about, and which quirks of the real data are
    imitated.

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
        _write_sheet(sheet, seed)
        return
    if out is None:
        raise click.UsageError("name the folder OUT, or a --sheet")
    if films and labels_only:
        raise click.UsageError("--film needs pictures: leave --labels-only out")
    if films > videos:
        raise click.UsageError(f"--film {films}: there are {videos} videos")
    from abawbench.synthetic.corpus import Settings
    from abawbench.synthetic.official import write_corpus

    settings = Settings(videos, frames, seed, tuple(sorted(without)), step, not labels_only, films)
    card = write_corpus(settings, out, workers=workers or os.cpu_count() or 1, report=Progress())
    if as_json:
        print_json(card)
    else:
        _print_card(card, out)


class Progress:
    """Says how many frames are done, how fast, and how long it will take; not more often than one can read."""

    def __init__(self) -> None:
        self._begin = self._said = time.monotonic()
        self._total = 0

    def __call__(self, done: int, total: int) -> None:
        """Frames done so far, and all there are."""
        now = time.monotonic()
        if total != self._total:
            self._begin, self._total = (self._said, total)
        if now - self._said < PATIENCE and done < total:
            return
        self._said = now
        rate = done / max(now - self._begin, 1e-9)
        left = f", {(total - done) / rate:,.0f} s left" if rate and done < total else ""
        say(f"  {done:,} of {total:,} frames, {rate:,.0f} a second{left}")


def _write_sheet(sheet: Path, seed: int) -> None:
    suffix = sheet.suffix.lower()
    if suffix not in {".png", ".jpg", ".jpeg"}:
        raise click.UsageError(f"--sheet {sheet}: the name ends in .png or .jpg")
    from abawbench.base.files import write_file
    from abawbench.synthetic.official import demand_renderer

    demand_renderer(with_films=False)
    import cv2

    from abawbench.synthetic.sheet import contact_sheet

    settings = [] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, SHEET_QUALITY]
    _, data = cv2.imencode(suffix, contact_sheet(seed)[..., ::-1], settings)
    write_file(sheet, data.tobytes())
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
    click.echo(f"quirks off: {', '.join(off)}" if off else "all quirks are on; --without turns them off")
