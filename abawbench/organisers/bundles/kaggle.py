"""The bundle for Kaggle: the metric in one file, the solution, a sample submission, and the texts of the pages."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from pprint import pformat
from typing import Any

import numpy as np

from abawbench.base.markdown_text import marked_down
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.formats.columns import Column, Probability
from abawbench.formats.keys import row_names
from abawbench.formats.layout import Layout, layouts, prediction_layouts
from abawbench.organisers.bundles.board import board_columns
from abawbench.organisers.bundles.folder import Bundle, write_bundle
from abawbench.organisers.bundles.inputs import PhaseFiles, read_phases
from abawbench.organisers.bundles.rehearsed import require_scores
from abawbench.organisers.events.deadlines import in_words
from abawbench.organisers.events.event import Event, notes_on
from abawbench.organisers.frozen import frozen_scorer
from abawbench.organisers.participants import TITLES, pages
from abawbench.table import Mask, Table, video_of

PLATFORM = "kaggle"
ID = "id"
# columns of the solution beside those of values, as the program names them
OWN = (ID, "place_in_truth", "unit_name", "row_name", "Usage")
# least share of the rows that the public board shows during the competition
PUBLIC = 0.3
README = """# {title} on Kaggle

1. Host > Evaluation metric: make a new metric, paste `metric.py`, and choose it. Higher is better.
2. Host > Data: upload `solution.csv` as the solution, with `{id}` as the column of row ids, and
   `sample_submission.csv` as the sample submission. Kaggle scores the rows marked Public and Private apart: of {rows}
   rows {public} are public. All rows of a video are in the same part.
3. Never upload `solution.csv` where teams can see it.
4. Host > Settings: the deadline is {ends}; submissions a day: {daily}.
5. Copy the texts: `overview.md`, `evaluation.md`, `data.md`, `rules.md`.
"""
FORMAT = """
## Submission file

A CSV file with a row for each row of `sample_submission.csv`, in any order, and these columns:

{columns}

{ids}

    {header}
    {example}

A submission is refused for missing, repeated and unknown ids, for columns other than these, and for values that are
not as the table says. Nothing is filled in.
"""


def make(event: Event, truths: Mapping[str, Path], templates: Mapping[str, Path], folder: Path, made: str) -> Bundle:
    """Make the bundle for Kaggle, of the phase that begins last.

    Args:
        event: the event.
        truths: paths of truths by the codename of the phase.
        templates: paths of lists by the codename of the phase.
        folder: folder to write, new or that of an earlier bundle.
        made: date of the making, as 2026-07-01.

    Raises:
        ProblemError: O08 a truth or list is missing, O09 the challenge or its sample has no score, O10 rows that cannot
            be split, O11 names that cannot be columns or rows, problems of truths and lists, and those of
            `folder.write_bundle`.
    """
    board_columns(event.challenge)
    phases, notes = read_phases(event, truths, templates)
    last = max(phases, key=lambda one: one.phase.begins)
    layout = prediction_layouts(event.challenge)[0]
    table = last.annotations
    _require_names(event, layout, table)
    scorer = frozen_scorer(event.challenge, made)
    require_scores(scorer, [last])
    rows = _rows(layout, table)
    public = _public(event, table, hashlib.sha256(b"".join(last.truth.values())).digest())
    files = {
        "metric.py": _metric(event.challenge, layout, len(table), scorer),
        "solution.csv": _solution(event.challenge, rows, table, public),
        "sample_submission.csv": _sample(layout, rows),
        **{name: text.encode() for name, text in _texts(event, last, layout, rows, public).items()},
    }
    return write_bundle(event, PLATFORM, files, folder, made, (*notes_on(event), *notes, *_notes(event, last)))


def _require_names(event: Event, layout: Layout, table: Table) -> None:
    """Refuse names that the solution or the text files of the metric cannot hold. Raises: ProblemError O11."""
    expected, fix = "names that are columns or rows of a table", "give it another name"
    taken = [column.name for column in layout.columns if column.name in OWN]
    odd = [name for name in table.videos if re.search(r'[,"\r\n]', name) or (layout.per_unit and "/" in name)]
    problems = [Problem("O11", f"a column '{name}'", expected, fix, str(event.path)) for name in taken]
    problems += [Problem("O11", repr(name), expected, fix, table.source, count=len(odd)) for name in odd[:3]]
    if problems:
        raise ProblemError(*problems)


def _rows(layout: Layout, table: Table) -> list[tuple[str, str, str]]:
    """Id, unit and name of each row; ids are unique, and no reader takes them for numbers."""
    units = [table.videos[place] for place in table.video.tolist()]
    keys = row_names(table, layout.key)
    names = [""] * len(table) if keys is None else [str(name) for name in keys.to_pylist()]
    if layout.per_unit:
        ids = [f"{unit}/{frame}" for unit, frame in zip(units, table.frame.tolist(), strict=True)]
    elif layout.key == "id" and not all("/" in name for name in names):
        ids = [f"id_{name}" for name in names]
    else:
        ids = names
    seen: Counter[str] = Counter()
    rows: list[tuple[str, str, str]] = []
    taken = set(ids)
    for one, unit, name in zip(ids, units, names, strict=True):
        seen[one] += 1
        while (unique := one if seen[one] == 1 else f"{one}#{seen[one]}") in taken and seen[one] > 1:
            seen[one] += 1
        taken.add(unique)
        rows.append((unique, unit, name))
    return rows


def _public(event: Event, table: Table, salt: bytes) -> Mask:
    """Mask of the public rows: those of videos that a hash with the truth in it puts first, at least `PUBLIC` of all.

    Raises:
        ProblemError: O10, one of the two parts has no annotated row of a task that counts.
    """
    videos = [video_of(unit) for unit in table.videos]
    sizes = np.bincount(table.video, minlength=len(videos))
    rows_of: Counter[str] = Counter()
    for video, size in zip(videos, sizes.tolist(), strict=True):
        rows_of[video] += size
    chosen: set[str] = set()
    count = 0
    for video in sorted(rows_of, key=lambda name: hashlib.sha256(salt + name.encode()).digest()):
        if count >= PUBLIC * len(table):
            break
        chosen.add(video)
        count += rows_of[video]
    public: Mask = np.array([video in chosen for video in videos], np.bool_)[table.video]
    for term in event.challenge.metric.terms:
        _, is_annotated = event.challenge.task(term.task).annotations_of(table)
        known = np.all(is_annotated, axis=1)
        for name, part in (("public", public), ("private", ~public)):
            if not (known & part).any():
                found = f"no row with {term.task} in the {name} part of {len(rows_of):,} videos"
                fix = "give a truth of more videos, or use another platform"
                raise ProblemError(Problem("O10", found, "annotated rows in both parts", fix, table.source))
    return public


def _metric(challenge: Challenge, layout: Layout, rows: int, scorer: str) -> bytes:
    """The program with settings and frozen scorer filled in."""
    settings: dict[str, Any] = {
        "challenge": challenge.id,
        "columns": [[column.name, column.is_whole] for column in _answers(layout)],
        "probabilities": [column.name for column in layout.columns if isinstance(column, Probability)],
        "header": layout.header,
        "has_key": layout.has_key,
        "per_unit": layout.per_unit,
        "suffix": layout.suffix,
        "rows": rows,
    }
    program = resources("abawbench.organisers.bundles").joinpath("kaggle_program.py").read_text("utf-8")
    filled = {
        "SETTINGS: Dict[str, Any] = {}": f"SETTINGS: Dict[str, Any] = {pformat(settings, width=100, sort_dicts=False)}",
        'FROZEN_SCORER = ""': f"FROZEN_SCORER = {_raw_text(scorer)}",
    }
    for line, text in filled.items():
        program = program.replace(line, text)
    return re.sub(r"  # noqa: [A-Z0-9, ]+$", "", program, flags=re.MULTILINE).encode("ascii")


def _raw_text(source: str) -> str:
    """A program as a literal of Python, as readable as it was where that is possible."""
    return repr(source) if "'''" in source or source.endswith("\\") else f"r'''{source}'''"


def _answers(layout: Layout) -> list[Column]:
    """The columns of decided values."""
    return [column for column in layout.columns if not isinstance(column, Probability)]


def _solution(challenge: Challenge, rows: Sequence[tuple[str, str, str]], table: Table, public: Mask) -> bytes:
    # the layout without probabilities, which no truth has
    layout = [one for one in layouts(challenge, "truth") if one.format == challenge.prediction_format][-1]
    values = [column.annotations(table).to_pylist() for column in layout.columns]
    usage = np.where(public, "Public", "Private").tolist()
    lines = [
        [one, place, f"unit {unit}", f"row {name}", *answers, part]
        for place, ((one, unit, name), part, *answers) in enumerate(zip(rows, usage, *values, strict=True))
    ]
    return _csv([*OWN[:-1], *(column.name for column in layout.columns), OWN[-1]], lines)


def _sample(layout: Layout, rows: Sequence[tuple[str, str, str]]) -> bytes:
    """The same answer in every row, as a team would send it."""
    constants = [_constant(column) for column in layout.columns]
    return _csv(_header(layout), [[one, *constants] for one, _, _ in rows])


def _header(layout: Layout) -> list[str]:
    return [ID, *(column.name for column in layout.columns)]


def _constant(column: Column) -> str:
    if isinstance(column, Probability):
        return "0.0" if column.of_class else "1.0"
    return "0" if column.is_whole else f"{min(max(0.0, column.low), column.high)!r}"


def _csv(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return stream.getvalue().encode()


def _texts(
    event: Event, last: PhaseFiles, layout: Layout, rows: Sequence[tuple[str, str, str]], public: Mask
) -> dict[str, str]:
    documents = pages(event.challenge, event)
    columns = [f"| {ID} | the ids of the sample |"]
    for column in layout.columns:
        classes = ", ".join(f"{number} {name}" for number, name in enumerate(column.classes))
        columns.append(f"| {marked_down(column.name)} | {marked_down(classes or column.expected('prediction'))} |")
    ids = "A row that the organisers' list repeats has the id with `#2` and so on behind it."
    phase = last.phase
    text = FORMAT.format(
        columns="\n".join(["| column | values |", "|:--|:--|", *columns]),
        ids=ids if any(re.search(r"#\d+$", one) for one, _, _ in rows) else "Ids are as in the sample.",
        header=",".join(_header(layout)),
        example=",".join([rows[0][0], *map(_constant, layout.columns)]),
    )
    readme = README.format(
        title=marked_down(event.title),
        id=ID,
        rows=f"{len(rows):,}",
        public=f"{int(public.sum()):,}",
        ends="open" if phase.ends is None else in_words(phase.ends),
        daily="no limit" if phase.daily is None else phase.daily,
    )
    further = [documents[name] for name in documents if name not in TITLES]
    return {
        "README.md": readme,
        "overview.md": "\n".join([documents["overview"], *further, documents["sources"]]),
        "evaluation.md": documents["evaluation"] + text,
        "data.md": documents["data"],
        "rules.md": documents["rules"] + "\n" + documents["terms"],
    }


def _notes(event: Event, last: PhaseFiles) -> Iterator[Problem]:
    place = str(event.path)
    if len(event.phases) > 1:
        found = f"{len(event.phases)} phases, and a competition of Kaggle has one: {last.phase.codename}"
        yield Problem("N76", found, "one phase", "make a competition for each, with an event of its own", place)
    if last.phase.daily is not None or last.phase.ends is not None:
        found = "deadline and limits, which Kaggle asks for in its own settings"
        yield Problem("N76", found, "settings as README.md of the bundle lists them", "set them by hand", place)
