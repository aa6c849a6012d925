"""abawbench data leaks: find what two parts share, and training data that a challenge forbids."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, say, tell

if TYPE_CHECKING:
    from abawbench.base.problems import Problem
    from abawbench.challenges import Challenge
    from abawbench.datasets.leaks import Leaks

SHOWN = 10


@click.command()
@click.argument("parts", nargs=-1, metavar="[A B]")
@click.option(
    "-c",
    "--challenge",
    type=CHALLENGE,
    help="Challenge of text files of labels, and of the rules on training data.",
)
@click.option("--trained-on", multiple=True, metavar="NAME", help="A data set that a model was trained on.")
@click.option("--entry", type=PATH, metavar="FOLDER", help="An entry; its data sets count as --trained-on.")
@click.option(
    "--threshold",
    default=10,
    show_default=True,
    type=click.IntRange(0, 32),
    help="Most bits in which the hashes of near-duplicates differ.",
)
@click.option(
    "--likeness",
    default=0.97,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Least likeness of near-duplicates.",
)
@json_option
@exits_on_problems
def command(
    parts: tuple[str, ...],
    challenge: Challenge | None,
    trained_on: tuple[str, ...],
    entry: Path | None,
    threshold: int,
    likeness: float,
    as_json: bool,
) -> None:
    """Find what A and B share: videos, persons, files, near-duplicate pictures, and known overlaps of data sets.

    A and B are folders of pictures, crops or videos, files of labels (Parquet of `data read`, the challenges' text
    files, lists of names), or ids of data sets. Pictures are near-duplicates when their 64-bit hashes differ in at most
    --threshold bits and the likeness of their 24 x 24 thumbnails is at least --likeness: copies that were encoded
    again, resized, brightened or darkened. Crops that were cut anew and mirrored copies are not found.

    With --challenge and --trained-on or --entry, check whether the challenge's rules forbid the data that a model was
    trained on. Exit status: 0 if nothing is found, 1 if something is.

    \b
    Example:
      abawbench data leaks crops/train crops/validation
      abawbench data leaks training_set_annotations.txt MTL_Challenge_test_set_release.txt
      abawbench data leaks disfa disfa-plus
      abawbench data leaks -c abaw11-mtl --trained-on AffectNet --trained-on Aff-Wild2
    """
    from abawbench.challenges.eligibility import forbidden_training
    from abawbench.datasets.leaks import find_leaks, read_sides

    if len(parts) not in {0, 2} or (not parts and not (trained_on or entry)):
        raise click.UsageError("give two parts, A and B, or --challenge with --trained-on or --entry")
    if (trained_on or entry) and challenge is None:
        raise click.UsageError("--trained-on and --entry need --challenge")
    forbidden: tuple[Problem, ...] = ()
    if challenge is not None and (trained_on or entry):
        forbidden = forbidden_training(challenge, [*trained_on, *_trained_on(entry)])
    leaks = None
    if parts:
        tell(f"leaks: between {parts[0]} and {parts[1]}")
        leaks = find_leaks(
            *read_sides(parts[0], parts[1], challenge), threshold=threshold, least=likeness, progress=_progress()
        )
    is_refused = any(not problem.is_note for problem in forbidden)
    is_found = is_refused or (leaks is not None and bool(leaks.found or leaks.problems))
    if as_json:
        answer = {} if leaks is None else leaks.to_json()
        found = [problem.to_json() for problem in forbidden]
        every = [*forbidden, *(() if leaks is None else leaks.problems)]
        print_json({**answer, "forbidden": found}, problems=every, ok=not is_found)
    else:
        _print(parts, leaks, forbidden)
    if is_found:
        sys.exit(1)


def _trained_on(entry: Path | None) -> Sequence[str]:
    if entry is None:
        return ()
    from abawbench.entries.loading import load_entry

    return load_entry(entry).card.trained_on


def _progress():
    """A line for each tenth of many pictures."""
    reached = [0]

    def show(done: int, total: int) -> None:
        tenth = 10 * done // total
        if total >= 1000 and tenth > reached[0]:
            reached[0] = tenth
            tell(f"{done:,} of {total:,} pictures read")

    return show


def _print(parts: Sequence[str], leaks: Leaks | None, forbidden: Sequence[Problem]) -> None:
    from abawbench.base.problems import render

    if forbidden:
        click.echo(render(forbidden))
    elif leaks is None:
        click.echo("nothing that the challenge's rules forbid, as far as they are known")
    if leaks is None:
        return
    names = [(name, "unit") for name in leaks.units]
    names += [(name, "video, other persons of it") for name in leaks.videos]
    names += [(name, "subject") for name in leaks.subjects]
    _section("D25", names, ("name", "what"))
    _section("D26", [(same.files, same.first, same.second) for same in leaks.files], ("files", *parts))
    rows = [
        (stretch.frames, _range(stretch.first), _range(stretch.second), stretch.bits, f"{stretch.likeness:.3f}")
        for stretch in leaks.stretches
    ]
    _section("D27", rows, ("pictures", *parts, "bits", "likeness"))
    _section("D28", [(text,) for text in leaks.overlaps], ("what is known",))
    if leaks.problems:
        say(render(leaks.problems))
        say(f"{len(leaks.problems):,} not read; the rest was compared")
    a, b = leaks.compared
    flat = sum(leaks.flat)
    pictures = f"{a:,} and {b:,} pictures compared" if a or b else "no pictures compared"
    pictures += f", {flat:,} too even or dark to compare" if flat else ""
    click.echo(f"{'LEAKS' if leaks.found else 'no leak found'}: {' and '.join(parts)}; {pictures}")


def _section(rule: str, rows: Sequence[Sequence[object]], headers: Sequence[str]) -> None:
    from abawbench.base.rules import RULES

    if not rows:
        return
    more = f" (first {SHOWN} shown, --json has all)" if len(rows) > SHOWN else ""
    print_table(rows[:SHOWN], headers, f"{rule} {RULES[rule].title}: {len(rows):,}{more}")
    click.echo()


def _range(ends: tuple[str, str]) -> str:
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {Path(ends[1]).name}"
