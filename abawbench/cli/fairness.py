"""abawbench fairness: compare groups of people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from abawbench.base.number_text import format_figure, format_interval
from abawbench.cli.options import CHALLENGE, PATH, ScoringOptions, json_option, resampling, scoring_options
from abawbench.cli.output import (
    exits_on_problems,
    print_json,
    print_paragraph,
    print_table,
    say_remarks,
    stage,
    tell,
    tell_large,
)

if TYPE_CHECKING:
    from abawbench.challenges import Challenge

# left out where the terminal is too narrow
CHANCE = ("by chance",)
READING = (
    "Gap: the best group minus the worst; its interval reaches 0 where the groups may be equal. By chance: the mean of "
    "the difference where videos or subjects are dealt out to groups of the same sizes at random, and p the share of "
    "these where it is at least as great; Holm: p adjusted for all that are shown. Statistical and demographic parity "
    "ignore the truth: where a group smiles more, a perfect prediction differs too, so read them beside the gaps."
)


class _Options(ScoringOptions):
    least: int
    intersect: tuple[tuple[str, str], ...]


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("predictions", type=PATH)
@click.option(
    "--groups",
    type=PATH,
    required=True,
    help="CSV: a header, the name of each video, person or row, and a column for each attribute.",
)
@click.option(
    "--least",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Hide groups of fewer videos, or subjects.",
)
@click.option(
    "--intersect",
    type=(str, str),
    multiple=True,
    metavar="ONE OTHER",
    help="Also compare the combinations of two attributes.",
)
@scoring_options
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    predictions: Path,
    groups: Path,
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Compare groups of people by every figure of the score: the worst group, gaps, parity, with 95 % intervals.

    TRUTH and PREDICTIONS are as for `score`. Persons as names of the groups' lines need --subjects. Unsure, Other and
    empty values name no group, and small groups are hidden.

    \b
    Example:
      abawbench fairness abaw4-mtl validation_set_annotations.txt predictions.txt --groups people.csv
    """
    tell_large(f"fairness: {predictions} against {truth}", truth, predictions)
    from abawbench.api import read_pair
    from abawbench.formats.group_file import read_group_file
    from abawbench.scoring import pair
    from abawbench.scoring.fairness import fairness
    from abawbench.scoring.row_groups import match_groups

    file = read_group_file(groups)
    drawn = resampling(options, truth)
    with stage("reading"):
        tables = read_pair(challenge, truth, predictions)
    with stage("pairing"):
        paired = pair(challenge, *tables, missing=options["missing"], allow_filled=options["allow_filled"])
        matched = match_groups(file, paired.truth, drawn.subjects, options["intersect"])
    tell(f"comparing groups by {', '.join(attribute.name for attribute in matched.attributes)}")
    with stage("comparing"):
        result = fairness(challenge, paired, matched, least=options["least"], resampling=drawn)
    say_remarks(result["flags"])
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: Mapping[str, Any]) -> None:
    for name, attribute in result["attributes"].items():
        _print_groups(name, attribute, result)
        _print_differences(name, attribute, result)
        click.echo()
    print_paragraph(READING)
    click.echo(
        f"intervals: {result['resamples']:,} resamples of {result['unit']}s, seed {result['seed']}; "
        f"chance: {result['permutations']:,} times random groups; challenge {result['fingerprint']}"
    )


def _print_groups(name: str, attribute: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    main = [figure for figure in result["main"] if figure in attribute["figures"]]
    rows: list[list[str | None]] = []
    for group, own in attribute["groups"].items():
        if own["figures"] is None:
            rows.append([group, f"< {result['least']}", "hidden", *(None for _ in main)])
        else:
            values = (format_figure(own["figures"][figure]["value"]) for figure in main)
            rows.append([group, f"{own['clusters']:,}", f"{own['rows']:,}", *values])
    if attribute["without_group"]:
        rows.append(["none", None, f"{attribute['without_group']:,}", *(None for _ in main)])
    print_table(rows, ["", f"{result['unit']}s", "rows", *map(_short, main)], f"By {name}")


def _print_differences(name: str, attribute: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    rows: list[list[str]] = []
    for figure in result["main"]:
        own = attribute["figures"].get(figure)
        if own is not None and own["gap"] is not None:
            rows.append([_short(figure), format_figure(own["mean"]), own["worst"], *_difference(own["gap"])])
    headers = ["gap", "95 %", *CHANCE, "p", "Holm"]
    if rows:
        print_table(rows, ["", "mean", "worst", *headers], f"Gaps by {name}", optional=CHANCE)
    parity = [
        [task, measure.removesuffix("_difference").replace("_", " "), *_difference(own)]
        for task, measures in attribute["parity"].items()
        for measure, own in measures.items()
    ]
    if parity:
        print_table(parity, ["task", "", "value", *headers[1:]], f"Parity by {name}", keys=2, optional=CHANCE)


def _difference(own: Mapping[str, Any]) -> list[str]:
    return [
        format_figure(own["value"]),
        format_interval(own["interval"]),
        format_figure(own["by_chance"]),
        *("–" if own[name] is None else f"{own[name]:.4f}" for name in ("p", "p_holm")),
    ]


def _short(figure: str) -> str:
    return figure.removeprefix("metrics.").removeprefix("terms.")
