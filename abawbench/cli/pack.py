"""abawbench pack: pack trials into one zip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.check import template_option
from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, say, tell_large, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("trials", type=PATH, nargs=-1, required=True)
@click.option("--out", "-o", type=PATH, required=True, help="The zip to write; its manifest is written beside it.")
@template_option
@json_option
@exits_on_problems
def command(challenge: Challenge, trials: tuple[Path, ...], out: Path, template: Path | None, *, as_json: bool) -> None:
    """Check TRIALS and pack them into one zip, with a manifest of hashes beside it.

    A trial is a prediction file, or a folder of per-unit files. The same trials give the same bytes. Nothing is packed
    that `abawbench check` would refuse.

    \b
    Example:
      abawbench pack abaw11-ah first.txt second.txt -o submission.zip --template trial-0.txt
    """
    from abawbench.base.problems import render
    from abawbench.formats.pack import manifest_path, notes_on, pack

    tell_large(f"pack: {len(trials):,} trials, into {out}", *trials)
    with writing(out, *trials, template), writing(manifest_path(out), *trials, template):
        manifest = pack(challenge, trials, out, template)
    notes = notes_on(challenge, trials, manifest)
    if notes:
        say(render(notes))
    if template is None:
        say("note: without --template the rows were not compared with the organisers' list")
    if as_json:
        print_json({"file": str(out), "manifest": manifest.to_json()}, problems=notes)
        return
    print_table(
        [[member.name, member.trial, f"{member.bytes:,}", member.sha256] for member in manifest.members],
        ["member", "trial", "bytes", "sha256"],
    )
    click.echo(f"\n{out}: {len(trials)} trial{'s'[: len(trials) > 1]}, sha256 {manifest.sha256}")
    click.echo(f"{manifest_path(out)}: manifest")
