"""abawbench entry: make an entry to fill in, or export one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.entry_export import export
from abawbench.cli.options import json_option, submissions_option
from abawbench.cli.output import exits_on_problems, print_json

if TYPE_CHECKING:
    from abawbench.entries.templates import Kind


@click.group()
def command() -> None:
    """Entries: the folders that `check`, `predict` and `train` work with.

    \b
    Example:
      abawbench entry new 2026_me_mine --kind onnx
      abawbench entry export 2020_zhao_fersnet/tiny --format onnx -o out/2026_me_graph
    """


command.add_command(export)


@command.command(short_help="Make the folder of a new entry.")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["onnx", "code", "image-classifier", "tool-output"]),
    required=True,
    help="An ONNX graph, code of your own, a Hugging Face classifier, or tables of a toolkit.",
)
@submissions_option
@json_option
@exits_on_problems
def new(name: str, kind: Kind, submissions: Path, as_json: bool) -> None:
    """Make the folder of a new entry, NAME, which is <year>_<team>_<method>. Nothing is overwritten.

    The folder holds placeholders; `abawbench check` refuses it until every one of them is filled in.

    \b
    Example:
      abawbench entry new 2026_me_mine --kind onnx
      abawbench entry new 2026_me_mine --kind code --submissions entries
    """
    from abawbench.entries.entry_file import FILE
    from abawbench.entries.templates import BRING, find_placeholders, make_entry_folder

    folder = make_entry_folder(name, kind, submissions)
    left = find_placeholders(folder / FILE)
    files = sorted(path.name for path in folder.iterdir())
    fields = [problem.fix.removeprefix("fill in ") for problem in left]
    if as_json:
        print_json({"folder": str(folder), "files": files, "bring": BRING[kind], "fill_in": fields})
        return
    click.echo(f"{folder}: {', '.join(files)}")
    click.echo(f"bring: {BRING[kind]}")
    click.echo("fill in, and correct what is there:")
    for field, problem in zip(fields, left, strict=True):
        click.echo(f"  {FILE}:{problem.line}: {field}")
    click.echo(f"then: abawbench check {folder}")
