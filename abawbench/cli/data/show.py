"""abawbench data show: show a manifest, with the source of every fact."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, tell

if TYPE_CHECKING:
    from abawbench.datasets.manifests.model import LabelSet, Manifest

WIDEST = 120


@click.command()
@click.argument("dataset", metavar="ID")
@json_option
@exits_on_problems
def command(dataset: str, as_json: bool) -> None:
    """Show everything that is known about the data set ID, and where each fact is from.

    ID is an id of `abawbench data list`, a name (its newest release is shown), or the path of a manifest of your own. A
    fact without a source is marked as assumed.

    \b
    Example:
      abawbench data show disfa
      abawbench data show aff-wild2_6
      abawbench data show raf-db --json
    """
    from abawbench.datasets.manifests import get_manifest, manifests
    from abawbench.datasets.manifests.facts import manifest_to_json

    manifest = get_manifest(dataset)
    if dataset == manifest.name:
        versions = manifests().versions(manifest.name)
        if len(versions) > 1:
            tell(f"{manifest.id} is the newest of {', '.join(versions)}")
    if as_json:
        print_json(manifest_to_json(manifest))
    else:
        _print(manifest)


def _print(manifest: Manifest) -> None:
    from abawbench.datasets.manifests import origin_of

    click.echo(f"{manifest.id}  {manifest.title}")
    if manifest.status == "unverified":
        click.secho("unverified: no source shows its files, so do not rely on it", fg="yellow")
    _bullet(manifest.summary, sign="")
    origin = origin_of(manifest)
    if origin is not None:
        _heading("Cite")
        _bullet(origin.citation, sign="")
        if origin.source.startswith("assumed"):
            _bullet(f"({origin.source})", sign="")
    _heading("How to obtain it")
    licence = manifest.licence
    click.echo(f"licence: {licence.terms}{_doubt(manifest, 'licence.terms')}")
    _bullet(f"{licence.access}{_doubt(manifest, 'licence.access')}", sign="")
    for name, value in (("page", licence.url), ("attribution", licence.attribution)):
        if value:
            _bullet(f"{name}: {value}", sign="")
    if licence.fetch:
        click.echo(f"download: abawbench data fetch {licence.fetch}")
    if not licence.redistributable:
        click.echo("it may not be redistributed")
    _print_files(manifest)
    for label_set in manifest.labels:
        _print_labels(manifest, label_set)
    _print_splits(manifest)
    _heading("Usual metric")
    _bullet(f"{manifest.metric}{_doubt(manifest, 'metric')}", sign="")
    if manifest.related:
        _heading("Overlaps")
    for part in manifest.related:
        note = f": {part.note}" if part.note else ""
        _bullet(f"{part.how.replace('-', ' ')} {part.dataset}{note}{_doubt(manifest, f'related.{part.dataset}')}")
    if manifest.notes:
        _heading("Notes")
    for number, note in enumerate(manifest.notes):
        _bullet(f"{note}{_doubt(manifest, f'notes.{number}')}")
    _print_sources(manifest)


def _print_files(manifest: Manifest) -> None:
    if manifest.layout:
        _heading("Layout")
        print_table(
            [
                [
                    place.path,
                    place.holds,
                    "required" if place.required else "",
                    f"{place.note}{_doubt(manifest, f'layout.{place.path}')}".strip(),
                ]
                for place in manifest.layout
            ],
            ["path", "holds", "", "note"],
        )
    if manifest.checksums:
        _heading("Checksums")
    for checksum in manifest.checksums:
        doubt = " (assumed)" if checksum.source.startswith("assumed") else ""
        click.echo(f"{checksum.algorithm} {checksum.hex}  {checksum.file}{doubt}")
        _bullet(checksum.source, sign="    ")


def _print_labels(manifest: Manifest, label_set: LabelSet) -> None:
    from abawbench.datasets.manifests.facts import onto_abaw, task_in_words

    at = f"labels.{label_set.id}"
    _heading(f"Labels {label_set.id}")
    click.echo(f"read by: {label_set.reader}")
    for name, value in label_set.options.items():
        # a setting of the reader is no fact, unless it has a source of its own
        doubt = _doubt(manifest, f"{at}.{name}") if f"{at}.{name}" in manifest.sources else ""
        click.echo(f"    {name} = {value!r}{doubt}")
    _bullet(f"files: {', or '.join(label_set.files)}{_doubt(manifest, f'{at}.files')}", sign="")
    if label_set.image:
        click.echo(f"picture of a row: {label_set.image}{_doubt(manifest, f'{at}.image')}")
        click.echo(f"first frame: {label_set.frame_base}{_doubt(manifest, f'{at}.frame_base')}")
    if label_set.challenges:
        _bullet(f"challenges: {', '.join(label_set.challenges)}", sign="")
    for facts in label_set.tasks:
        _bullet(
            f"{facts.name}: {task_in_words(facts)}{_doubt(manifest, f'{at}.tasks.{facts.name}', f'{at}.tasks')}",
            sign="",
        )
        for line in onto_abaw(facts):
            _bullet(line, sign="  ABAW: ")


def _print_splits(manifest: Manifest) -> None:
    if manifest.splits:
        _heading("Splits")
        print_table(
            [
                [
                    split.name,
                    "?" if split.count is None else f"{split.count:,}",
                    split.unit,
                    ", ".join(f"{name} {number:,}" for name, number in split.counts.items()),
                    f"{split.rule}{_doubt(manifest, f'splits.{split.name}')}".strip(),
                ]
                for split in manifest.splits
            ],
            ["split", "count", "of", "further numbers", "rule"],
        )
    for split in manifest.splits:
        if split.subjects:
            _bullet(f"{split.name}: {', '.join(split.subjects)}", sign="")
    click.echo(f"never in two splits: a {manifest.group}{_doubt(manifest, 'group')}")
    if manifest.subjects:
        click.echo(f"people: {manifest.subjects:,}{_doubt(manifest, 'subjects')}")


def _print_sources(manifest: Manifest) -> None:
    from abawbench.datasets.manifests.facts import facts_by_source

    _heading("Where each fact is from")
    for source, names in facts_by_source(manifest).items():
        _bullet(f"{', '.join(names)}: {source}")


def _doubt(manifest: Manifest, *fields: str) -> str:
    """` (assumed)` if the first of these fields that has a source of its own, or else the last one, is assumed."""
    field = next((name for name in fields if name in manifest.sources), fields[-1])
    return " (assumed)" if manifest.is_assumed(field) else ""


def _heading(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _bullet(text: str, sign: str = "- ") -> None:
    width = min(shutil.get_terminal_size().columns, WIDEST)
    # a source may be a path, which a reader copies: it is not broken
    lines = textwrap.fill(
        text,
        width,
        initial_indent=sign,
        subsequent_indent=" " * max(len(sign), 2),
        break_on_hyphens=False,
        break_long_words=False,
    )
    click.secho(lines, fg="yellow" if "(assumed)" in text or ": assumed" in text else None)
