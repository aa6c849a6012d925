"""abawbench data croissant: a manifest as Croissant JSON-LD."""

from __future__ import annotations

import json
from pathlib import Path

import click

from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import exits_on_problems, print_document, print_json, tell, writing


@click.command()
@click.argument("dataset", metavar="ID")
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Write a file instead of printing.")
@json_option
@exits_on_problems
def command(dataset: str, out: Path | None, as_json: bool) -> None:
    """Describe the data set ID in Croissant 1.1 JSON-LD, for data set search engines and loaders.

    For data that must be requested, the document has the page that explains how, not addresses of files. With --json
    it is the value of `croissant`.

    \b
    Example:
      abawbench data croissant london
      abawbench data croissant raf-db -o raf-db.croissant.json
    """
    from abawbench.datasets.manifests import get_manifest
    from abawbench.datasets.manifests.croissant import croissant

    manifest = get_manifest(dataset)
    document = croissant(manifest)
    if out is not None:
        from abawbench.base.files import write_text

        with writing(out, Path(dataset)):
            write_text(out, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        tell(f"{out} written: {manifest.id}")
    if as_json:
        print_json({"id": manifest.id, "file": None if out is None else str(out), "croissant": document})
    elif out is None:
        print_document(document)
