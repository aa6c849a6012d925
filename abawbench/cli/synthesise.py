"""abawbench synthesise: give faces other expressions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from abawbench.base.files import check_output
from abawbench.cli import runs
from abawbench.cli.options import PATH, detector_option, device_option, json_option, submissions_option
from abawbench.cli.output import exits_on_problems, say_remarks, stage, tell, tell_resumed
from abawbench.inference.run import BATCH, RunOptions


@click.command()
@click.argument("entry")
@click.argument("faces", type=PATH)
@click.option(
    "--to",
    "names",
    multiple=True,
    metavar="EXPRESSION",
    help="Expression to give, as happiness; may be given several times.  [default: all that ENTRY has]",
)
@click.option("--out", "-o", type=PATH, required=True, help="Folder of the faces, new or of the same run.")
@device_option
@click.option("--batch", type=click.IntRange(1), default=BATCH, show_default=True, help="Crops in a forward pass.")
@submissions_option
@detector_option
@json_option
@exits_on_problems
def command(
    entry: str,
    faces: Path,
    names: tuple[str, ...],
    out: Path,
    device: str,
    batch: int,
    submissions: Path,
    weights: Path | None,
    as_json: bool,
) -> None:
    """Give every face of FACES other expressions with ENTRY, which has a generator.

    ENTRY is a folder of submissions/, or a run folder of `train`. FACES are crops (<unit>/00001.jpg, or the output of
    `faces`), real or drawn, or videos and pictures, whose faces are first cropped into OUT/faces. OUT/<expression> is
    again a folder of crops, OUT/manifest.csv names the face that each picture was made from, and OUT/sheet.jpg shows
    some of them. Manifest and pictures say that the faces are synthetic. A second run does only what is new or changed.
    docs/synthesis.md tells how far the faces can be trusted.

    \b
    Example:
      abawbench synthesise out/fersnet out/corpus --to happiness --to anger -o out/faces
      abawbench synthesise out/fersnet me.jpg -o out/me
    """
    check_output(out, faces)
    tell(f"synthesise: {entry} over {faces}, into {out}")
    from abawbench.clips.synthetic_faces import MANIFEST
    from abawbench.entries.loading import find_entry_file
    from abawbench.inference.synthesise import SHEET, require_synthesiser, select_expressions, synthesise

    with stage("loading the entry"):
        loaded = require_synthesiser(runs.load_fitted(entry, submissions))
    expressions = select_expressions(loaded, names)
    say_remarks(loaded.card.notes)
    notes = runs.say_network_notes(loaded.card)
    with stage("finding the faces"):
        opened = runs.open_data([faces], out, loaded.card, weights)
    options = RunOptions(device=runs.device_of(loaded, device), batch=batch)
    with runs.progress_of_units() as report:
        summary = synthesise(
            loaded,
            opened.clips,
            out,
            expressions,
            options,
            source=find_entry_file(entry, root=submissions),
            report=report,
            resumed=tell_resumed("units"),
        )
    summary = runs.with_notes(summary, opened)
    runs.say_problems(summary)
    places = {"manifest": out / MANIFEST, "sheet": out / SHEET}
    values = {"expressions": expressions, **{name: str(path) for name, path in places.items()}}
    runs.print_summary(
        replace(summary, problems=(*notes, *summary.problems)),
        opened.kind,
        as_json=as_json,
        values=values,
        lines={"faces to": ", ".join(expressions), **places},
    )
