"""abawbench demo: the whole walk on a small corpus made from a seed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import PATH
from abawbench.cli.output import exits_on_problems, say

if TYPE_CHECKING:
    from abawbench.table import Table

CHALLENGE = "abaw4-mtl"
# name -> share of stretches it gets right; invented, and so are its answers
ENTRIES = {"2026_demo_good": 0.72, "2026_demo_fair": 0.66, "2026_demo_poor": 0.25}
DISCLOSURE = """\
entry = "{entry}"
split = "validation"
dataset = "synthetic labels, {videos} videos, seed {seed}"
date = "2026-01-01"

[disclosure]
trained_on = []
validation_used_for = "nothing"
thresholds_from = "none"
trials = 1
crops = "none: labels only"
licence = "Apache-2.0"
synthetic_truth = true
note = "An invented model: the truth with errors put in. Its score says nothing about faces."
"""


@click.command()
@click.option("--out", type=PATH, default=Path("out/demo"), show_default=True, help="Folder for everything it makes.")
@click.option("--videos", default=40, show_default=True, type=click.IntRange(2), help="Videos of the corpus.")
@click.option("--frames", default=100, show_default=True, type=click.IntRange(8), help="Frames a video, about.")
@click.option("--seed", default=0, show_default=True, help="Seed of the corpus and of the entries' errors.")
@exits_on_problems
def command(out: Path, videos: int, frames: int, seed: int) -> None:
    """Labels, three entries, challenge files, checks, scores, a comparison and a leaderboard.

    The corpus is synthetic: labels without pictures, in the official layout.

    \b
    Example:
      abawbench demo --out out/demo
    """
    from abawbench.challenges import get
    from abawbench.data.synthetic import answers, make_corpus
    from abawbench.files.write import write_annotations
    from abawbench.files.write_list import write_list

    out.mkdir(parents=True, exist_ok=True)
    challenge = get(CHALLENGE)
    corpus = make_corpus(videos, frames, seed)
    truth, rows = out / "validation_set_annotations.txt", out / "validation_list.txt"
    write_annotations(challenge, corpus.truth, truth)
    write_list(challenge, corpus.truth, rows)
    click.echo(f"A synthetic validation split: {videos} videos, {len(corpus.truth):,} rows, in {out}")
    for number, (entry, skill) in enumerate(ENTRIES.items(), start=1):
        _keep(answers(corpus.known, skill, seed + number, gaps=0.02), out / f"{entry}.parquet")
        disclosure = out / f"{entry}.toml"
        disclosure.write_text(DISCLOSURE.format(entry=entry, videos=videos, seed=seed), encoding="utf-8")
    files = {entry: out / f"{entry}.txt" for entry in ENTRIES}

    _run("challenges", CHALLENGE, brief=8)
    for entry, file in files.items():
        _run("write", CHALLENGE, out / f"{entry}.parquet", "--template", rows, "-o", file, "--fill", "previous")
        _run("check", CHALLENGE, file, "--template", rows)
    best, next_best, _ = files
    for entry, file in files.items():
        record = ("--record", out / "leaderboard" / "records", "--disclosure", out / f"{entry}.toml")
        _run("score", CHALLENGE, truth, file, *record, brief=None if entry == best else 5)
    _run("score", CHALLENGE, truth, files[best], "--explain", "--lens", "--parts", after="Concordance")
    _run("diff", CHALLENGE, truth, files[best], files[next_best], after="score: A - B")
    _run("pack", CHALLENGE, files[best], files[next_best], "-o", out / "trials.zip", "--template", rows)
    _run("leaderboard", "build", "--root", out / "leaderboard")
    table = out / "leaderboard" / f"{CHALLENGE}.md"
    click.echo(f"\n{table}\n{table.read_text(encoding='utf-8')}")


def _keep(table: Table, path: Path) -> None:
    from abawbench.challenges import get
    from abawbench.frames import to_frame

    to_frame(get(CHALLENGE), table).to_parquet(path)


def _run(*words: str | Path, brief: int | None = None, after: str | None = None) -> None:
    """Show a command, run it, and show what it prints: the first lines, or those from one that begins with `after`."""
    import contextlib
    import io

    from abawbench.cli import main

    arguments = [str(word) for word in words]
    click.echo(f"\n$ abawbench {shlex.join(arguments)}")
    printed = io.StringIO()
    code = 0
    with contextlib.redirect_stdout(printed):
        try:
            main(arguments, prog_name="abawbench", standalone_mode=False)
        except SystemExit as end:
            code = int(end.code or 0)
    lines = printed.getvalue().rstrip().split("\n")
    if after is not None:
        lines = lines[next((place for place, line in enumerate(lines) if line.startswith(after)), 0) :]
    shown = lines if brief is None else lines[:brief]
    click.echo("\n".join(shown) + ("\n  ..." if len(shown) < len(lines) else ""))
    if code:
        say(f"abawbench {arguments[0]} ended with {code}")
        sys.exit(code)
