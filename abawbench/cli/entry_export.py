"""abawbench entry export: a network as a Hugging Face folder, or as an ONNX entry."""

from __future__ import annotations

from pathlib import Path

import click

from abawbench.cli.options import json_option, submissions_option
from abawbench.cli.output import exits_on_problems, print_json, stage


@click.command(short_help="Export a network to Hugging Face or ONNX.")
@click.argument("name", metavar="ENTRY")
@click.option(
    "--format", "form", type=click.Choice(["hugging-face", "onnx"]), required=True,
    help="A folder with model.safetensors, config.json and a model card; or the folder of an ONNX entry.",
)  # fmt: skip
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True,
    help="New folder; an ONNX entry has its name, <year>_<team>_<method>.",
)  # fmt: skip
@click.option(
    "--record", "records", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True,
    help="Record of a score, for the model card; may be given again.",
)  # fmt: skip
@submissions_option
@json_option
@exits_on_problems
def export(name: str, form: str, out: Path, records: tuple[Path, ...], submissions: Path, as_json: bool) -> None:
    """Export ENTRY, a network of this package or the folder of a training, into a new folder.

    Either folder is an entry again, for `check`, `predict` and `score`. A Hugging Face folder answers alike to the bit;
    the answers of an ONNX graph are compared with the network's before anything is written.

    \b
    Example:
      abawbench entry export 2020_zhao_fersnet/tiny --format hugging-face -o out/fersnet-hub
      abawbench entry export out/static --format onnx -o out/2026_me_graph
    """
    with stage("exporting"):
        from abawbench.exports.entries import export_entry

        files, difference = export_entry(name, form, out, records, submissions)
    if as_json:
        print_json({"folder": str(out), "files": list(files), "difference": difference})
        return
    click.echo(f"{out}: {', '.join(files)}")
    if difference is not None:
        click.echo(f"answers differ from the network's by {difference:.2g} at most")
    click.echo(f"then: abawbench check {out}")
