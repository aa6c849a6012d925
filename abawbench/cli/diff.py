"""abawbench diff: compare two predictions with a test, or rank more of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from abawbench.base.number_text import format_figure, format_interval
from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    ScoringOptions,
    TunedOptions,
    json_option,
    resampling,
    scoring_options,
    tuned_files,
    tuned_options,
)
from abawbench.cli.output import exits_on_problems, print_json, print_table, say, say_remarks, tell_large

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


class _Options(ScoringOptions, TunedOptions):
    pass


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("a", type=PATH)
@click.argument("b", type=PATH)
@click.argument("others", type=PATH, nargs=-1)
@scoring_options
@tuned_options("--tuned-a", "--tuned-b")
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    a: Path,
    b: Path,
    others: tuple[Path, ...],
    tuned_a: Path | None,
    tuned_b: Path | None,
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Compare two predictions: the score of A minus that of B, tested by swapping the two video by video.

    With more than two: the rank of each with the range that the split leaves open, and every pair, where p is adjusted
    for all pairs (Holm).

    \b
    Example:
      abawbench diff abaw4-mtl validation_set_annotations.txt mine.txt baseline.txt
      abawbench diff abaw4-mtl validation_set_annotations.txt one.txt two.txt three.txt
    """
    paths = (a, b, *others)
    tell_large(f"diff: {' and '.join(map(str, paths))}", truth, *paths)
    from abawbench.api import read_predictions, read_table
    from abawbench.scoring.comparison import compare
    from abawbench.scoring.difference import difference

    values = [*tuned_files(options, tuned_a, tuned_b), *(None for _ in others)]
    known = read_table(challenge, truth, "truth")
    tables = [read_predictions(challenge, path, own, known)[0] for path, own in zip(paths, values, strict=True)]
    drawn, allowed = resampling(options, truth), options["allow_filled"]
    if others:
        named = [(str(path), table) for path, table in zip(paths, tables, strict=True)]
        result = compare(challenge, known, named, missing=options["missing"], allow_filled=allowed, resampling=drawn)
    else:
        result = difference(
            challenge, known, *tables, missing=options["missing"], allow_filled=allowed, resampling=drawn
        )
    say_remarks(result["flags"])
    if result["warning"]:
        say(f"warning: {result['warning']}")
    if as_json:
        print_json(result)
    elif others:
        _print_ranks(result)
    else:
        _print(result)


def _print_ranks(result: dict[str, Any]) -> None:
    names = [row["name"] for row in result["predictions"]]
    folder = os.path.commonpath([Path(name).absolute().parent for name in names])
    shown = {name: os.path.relpath(name, folder) for name in names}
    rows = [
        [
            shown[row["name"]],
            format_figure(row["value"]),
            format_interval(row["interval"]),
            str(row["rank"]),
            "{} to {}".format(*row["range"]),
            str(row["tier"]),
            f"{row['probability'][0]:.2f}",
        ]
        for row in result["predictions"]
    ]
    print_table(rows, ["", result["figure"], "95 % interval", "rank", "95 % range", "tier", "P(first)"])
    click.echo()
    pairs = [
        [
            shown[row["better"]],
            shown[row["worse"]],
            format_figure(row["difference"], "+"),
            format_interval(row["interval"], "+"),
            f"{row['p']:.4f}",
            f"{row['p_holm']:.4f}",
        ]
        for row in result["pairs"]
    ]
    print_table(pairs, ["A", "B", "A - B", "95 % interval", "p", "p (Holm)"])
    told = sum(row["p_holm"] < 0.05 for row in result["pairs"])
    click.echo(
        f"\n{told} of {len(pairs)} pairs differ (p after Holm below 0.05); the ranges hold together in 95 % of splits\n"
        f"{result['resamples']:,} resamples and swaps of {result['clusters']} {result['unit']}s, seed {result['seed']}"
    )


def _print(result: dict[str, Any]) -> None:
    rows = [
        [
            name,
            *(format_figure(row[key], "+") for key in ("first", "second", "difference")),
            format_interval(row["interval"], "+"),
        ]
        for name, row in result["figures"].items()
    ]
    print_table(rows, ["", "A", "B", "A - B", "95 % interval"])
    click.echo()
    print_table(
        [[row["video"], format_figure(row["effect"], "+")] for row in result["videos"]], [f"{result['unit']}", "effect"]
    )
    click.echo(
        f"\n{result['figure']}: A - B = {format_figure(result['difference'], '+')}, p = {result['p']:.4f} "
        f"({result['swaps']:,} swaps of {result['clusters']} {result['unit']}s)\n"
        f"smallest difference this split detects (80 % power): {format_figure(result['smallest_detectable'])}\n"
        f"{_sentence(result)}"
    )


def _sentence(result: dict[str, Any]) -> str:
    """What the comparison says, in a sentence."""
    value, p, figure = result["difference"], result["p"], result["figure"]
    if value == 0:
        return f"A and B have the same {figure}."
    better = "A" if value > 0 else "B"
    if p >= 0.05:
        return f"This split does not show which is better: {better} leads by {abs(value):.4f} in {figure}, p = {p:.4f}."
    interval = result["interval"]
    within = "" if interval is None else f" (A - B: {format_interval(interval, '+')}, 95 %)"
    return f"{better} is better by {abs(value):.4f} in {figure}{within}, p = {p:.4f}."
