"""Documentation for participants, made from the record of a challenge as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from abawbench.base.markdown_text import marked_down
from abawbench.base.problems import inert
from abawbench.base.rules import RULES
from abawbench.challenges import Challenge, Task, assumed_fields, is_assumed
from abawbench.challenges.footnotes import Footnotes
from abawbench.challenges.model import Part
from abawbench.formats.check import most_trials
from abawbench.formats.columns import Column, Probability
from abawbench.formats.examples import example_row
from abawbench.formats.layout import Layout, layouts, prediction_layouts

if TYPE_CHECKING:
    from abawbench.organisers.events.event import Event, Phase

TITLES = {
    "overview": "Overview",
    "evaluation": "Evaluation",
    "submission_format": "Format of a submission",
    "data": "Data",
    "rules": "Rules",
    "terms": "Terms",
    "sources": "Sources",
}
KINDS = {"Continuous": "numbers", "Categorical": "one class", "MultiLabel": "labels, each 0 or 1"}
CRITERIA = {
    "ccc": "mean of the concordance correlation coefficients (CCC) of the columns",
    "pearson": "mean of the Pearson correlations of the columns",
    "f1": "mean of the F1 scores",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "average_precision": "average precision of class 1, from its probability",
    "grid_average_precision": "average precision of class 1 over the organisers' grid of thresholds",
}
ROW_NAMES = {
    "path": "A row begins with the path of its frame: the video's name, a slash, five digits, .jpg.",
    "frame-path": "A row begins with the path of its frame: the video's path, /frame-, the number, .jpg.",
    "image": "A row begins with the name of its image.",
    "id": "A row begins with the name of its video.",
    "frame": "A row begins with the number of its frame.",
    "line": "Rows have no names: each line is one frame, without gaps.",
}
# the rules that hold for text files and zips of every format
EVERY_FILE = ("F02", "F03", "F05", "F06", "F07", "F08", "F09", "F10", "F13", "F14", "F15", "F17", "F18")
EVERY_ZIP = ("Z01", "Z02", "Z03", "Z04", "Z05", "Z06", "Z07", "Z08")


def pages(challenge: Challenge, event: Event | None = None) -> Mapping[str, str]:
    """Make the pages for participants.

    A fact of the record that has no source is marked as assumed; the page of sources gives the reasons.

    Args:
        challenge: the challenge.
        event: dates, limits and texts of the event; None to describe the challenge alone. A text of the event stands
            first on the page of its name, in the place of the usual terms, or on a page of its own.

    Returns:
        Markdown by the name of the page, in the order and with the names of `TITLES`; further texts of the event
        follow.
    """
    notes = Footnotes()
    parts = {
        "overview": _overview(challenge, event),
        "evaluation": _evaluation(challenge, notes),
        "submission_format": _submission_format(challenge, event),
        "data": _data(challenge),
        "rules": _rules(challenge, event, notes),
        "terms": _terms(challenge, event),
        "sources": _sources(challenge, notes),
    }
    own = {} if event is None else {name: text.read_text("utf-8").strip() for name, text in event.texts.items()}
    return {
        name: _page(name, own.get(name, ""), parts.get(name, ())) for name in (*parts, *sorted(set(own) - set(parts)))
    }


def markdown(challenge: Challenge, event: Event | None = None) -> str:
    """All pages as one document; see `pages`."""
    title = challenge.title if event is None else event.title
    inner = "\n".join(
        "".join(f"#{line}" if line.startswith("#") else line for line in page.splitlines(keepends=True))
        for page in pages(challenge, event).values()
    )
    return f"# {marked_down(title)}\n\n{inner}"


def _page(name: str, own: str, made: Iterable[str]) -> str:
    """A page: its title, the organisers' own text, and what is made from the record; terms are one or the other."""
    title = "" if own.startswith("# ") else f"# {TITLES.get(name) or name.replace('_', ' ').capitalize()}"
    return "\n\n".join(part for part in (title, own, *(() if own and name == "terms" else made)) if part) + "\n"


def refusals(challenge: Challenge) -> tuple[str, ...]:
    """Ids of the rules for which `check` refuses a submission in the format of the challenge, in their usual order."""
    layout = prediction_layouts(challenge)[0]
    columns = [column for one in prediction_layouts(challenge) for column in one.columns]
    rules = {*EVERY_FILE, *EVERY_ZIP, *(rule for column in columns for rule in _of_column(column))}
    rules |= {"F04", "F16"} if layout.header else {"F11"}
    if layout.has_key:
        rules |= {"T01", "T02", "T03", "T04", "T05", "T06"}
    rules |= {"F19", "T06", "T07", "T08", "T09", "Z10"} if layout.per_unit else {"T09", "Z09"}
    return tuple(rule for rule in RULES if rule in rules)


def _of_column(column: Column) -> set[str]:
    rules = {"V01", "V02"}
    if isinstance(column, Probability):
        return rules | {"V03", "V08"}
    if column.no_prediction is not None:
        rules.add("V04")
    return rules | ({"V05", "V06"} if column.classes else {"V05", "V07"} if column.is_whole else {"V03"})


def _overview(challenge: Challenge, event: Event | None) -> Iterator[str]:
    if event is not None:
        yield from (marked_down(" ".join(part.split())) for part in event.summary.split("\n\n"))
    track = " (assumed)" if is_assumed(challenge, "track") else ""
    yield (
        f"Track: {marked_down(challenge.title)}{track}, `{challenge.id}`. Data: {marked_down(challenge.dataset)}. "
        f"Fingerprint of the definition: `{challenge.fingerprint}`."
    )
    yield "## What to predict" + _doubt(challenge, "tasks")
    yield from (_task(task) for task in challenge.tasks)
    if event is not None:
        yield "## Dates"
        yield _phases(event.phases)
        yield "## Organisers"
        site = "" if event.site is None else f" Web site: {marked_down(event.site)}"
        yield f"{marked_down(event.organisers)}. Contact: {marked_down(event.contact)}.{site}"


def _task(task: Task) -> str:
    kind = KINDS[type(task).__name__]
    if task.is_vector:
        low, high = task.span
        span = f", each from {low:g} to {high:g}" if task.is_real else ""
        return f"**{marked_down(task.name)}**: {kind}{span}: {', '.join(map(marked_down, task.outputs))}."
    classes = [f"| {number} | {marked_down(name)} |" for number, name in enumerate(task.outputs)]
    head = f"**{marked_down(task.name)}**: {kind} of {task.width}, written as its number:"
    return "\n".join([f"{head}\n", "| number | class |", "|--:|:--|", *classes])


def _phases(phases: Sequence[Phase]) -> str:
    rows = [
        [
            phase.name,
            f"{phase.begins:%Y-%m-%d %H:%M:%S}",
            "open" if phase.ends is None else f"{phase.ends:%Y-%m-%d %H:%M:%S}",
            "no limit" if phase.daily is None else f"{phase.daily:,}",
            "no limit" if phase.total is None else f"{phase.total:,}",
            "yes" if phase.shows_scores else "no",
        ]
        for phase in phases
    ]
    return _table(["phase", "begins (UTC)", "ends (UTC)", "a day", "in all", "scores shown"], rows)


def _evaluation(challenge: Challenge, notes: Footnotes) -> Iterator[str]:
    metric = challenge.metric
    if metric.terms:
        yield f"The score is {marked_down(metric.id)}{_doubt(challenge, 'metric')}:"
        yield _code(inert(metric.formula))
        terms = [f"{term.task}: {' + '.join(map(_weighted, term.parts))}" for term in metric.terms]
        yield f"It is {'the sum of these terms' if len(terms) > 1 else 'this figure'}, and the highest ranks first:"
        yield _bullets(terms)
    else:
        yield f"Score: {marked_down(metric.formula)}. Figures are reported without a ranking."
    yield "## Conventions"
    facts = [f"Computed over {metric.pooling}{_doubt(challenge, 'metric.pooling', 'metric')}."]
    if metric.absent_class:
        doubt = _doubt(challenge, "metric.absent_class", "metric")
        facts.append(f"F1 of a class that occurs in neither truth nor prediction: {metric.absent_class}{doubt}.")
    if metric.constant_series:
        doubt = _doubt(challenge, "metric.constant_series", "metric")
        facts.append(f"Correlation of a constant series: {metric.constant_series}{doubt}.")
    if _marks(challenge):
        facts.append("A row that is not annotated for a task does not count for it.")
    yield _bullets(facts)
    yield "## Figures beside the score"
    yield _bullets(
        f"{figures.task}: {', '.join(map(_criterion, (*figures.criteria, *figures.of_probability)))}"
        for figures in metric.reported
    )
    if challenge.baselines:
        yield "## Baselines of the organisers"
        rows = [[one.split, f"{one.score:g}", one.detail, notes.mark(one.source)] for one in challenge.baselines]
        yield _table(["split", "score", "", "source"], rows)
    yield "## Scoring on your own machine"
    yield "The score of the organisers, with 95 % intervals, for labels that you have:"
    yield _code(f"abawbench score {challenge.id} TRUTH {_predictions(challenge)}")
    yield "The same bits, without installing anything but NumPy:"
    yield _code(f"python {_frozen_name(challenge)} TRUTH {_predictions(challenge)} --intervals")


def _submission_format(challenge: Challenge, event: Event | None) -> Iterator[str]:
    doubt = _doubt(challenge, "prediction_format")
    for number, layout in enumerate(prediction_layouts(challenge)):
        if number:
            yield "Probabilities may be left out; a file without them has these lines:"
        else:
            yield (
                f"One file for each unit, named `<unit>{layout.suffix}`, all in one folder{doubt}."
                if layout.per_unit
                else f"One text file for all rows{doubt}."
            )
        yield _code("\n".join(_example_lines(layout)))
        yield _columns(layout)
    layout = prediction_layouts(challenge)[0]
    yield _bullets(_rows_of(challenge, layout))
    yield "## Packing"
    what = "a zip of the files" if layout.per_unit else "the file, or a zip of it"
    trials = "" if event is not None else f" A zip may hold up to {most_trials(challenge)} trials."
    yield f"A submission is {what}, without folders, hidden files or other archives.{trials}"
    yield _code(f"abawbench pack {challenge.id} {_predictions(challenge)} -o submission.zip --template LIST")
    yield "## Checking before sending"
    yield "LIST is the organisers' list. Every problem is named, with file, line and cure:"
    yield _code(f"abawbench check {challenge.id} {_predictions(challenge)} --template LIST")
    yield "## What is refused"
    yield "Nothing is repaired or filled in silently. A submission is refused for each of these:"
    yield _table(
        ["rule", "fault", "what is asked for"],
        [[rule, RULES[rule].title, RULES[rule].requirement] for rule in refusals(challenge)],
    )


def _example_lines(layout: Layout) -> Iterator[str]:
    if layout.header is not None:
        yield layout.header
    yield from (example_row(layout, place) for place in (0, 1))


def _columns(layout: Layout) -> str:
    rows = [["1", "name of the row", ""]] if layout.has_key else []
    for column in layout.columns:
        classes = ", ".join(f"{number} {name}" for number, name in enumerate(column.classes))
        rows.append([str(len(rows) + 1), column.name, classes or column.expected("prediction")])
    return _table(["column", "name", "values"], rows)


def _rows_of(challenge: Challenge, layout: Layout) -> Iterator[str]:
    yield ROW_NAMES[layout.key]
    if layout.key not in {"id", "image"}:
        yield f"Frames are counted from {layout.frame_base}{_doubt(challenge, 'frame_base')}."
    if layout.per_unit:
        yield "Each unit of the organisers' list has a file, with a line for each of its frames."
    else:
        yield "Every row of the organisers' list is there, in its order, and as often as it stands in the list."
    if layout.header is not None:
        yield "The first line is the header, letter for letter."
    marks = dict.fromkeys(_marks(challenge).values())
    if marks:
        yield f"What marks a missing annotation ({' or '.join(marks)}) is no prediction."
    yield "Fields are separated by commas alone; the file is UTF-8 or ASCII and ends with a line feed."


def _data(challenge: Challenge) -> Iterator[str]:
    yield f"Data: {marked_down(challenge.dataset)}{_doubt(challenge, 'dataset')}."
    sizes = [
        [
            split,
            _counts(size.units, *(other.units for other in size.others)),
            _counts(size.rows, *(other.rows for other in size.others)),
            _counts(size.labelled_rows),
            _doubt(challenge, f"sizes.{split}.rows", f"sizes.{split}", "sizes").strip(" ()"),
        ]
        for split, size in challenge.sizes.items()
    ]
    if sizes:
        yield "## Splits"
        yield _table(["split", "videos or units", "rows", "rows with a label", ""], sizes)
    yield "## Annotations" + _doubt(challenge, "annotation_format")
    layout = layouts(challenge, "truth")[0]
    yield f"{f'One file <unit>{layout.suffix} for each unit' if layout.per_unit else 'One file'}, as:"
    yield _code("\n".join(_example_lines(layout)))
    marks = [
        f"{task}: {mark} marks a row that is not annotated{_doubt(challenge, f'tasks.{task}.sentinel')}"
        for task, mark in _marks(challenge).items()
    ]
    places = [f"{split}: {' or '.join(places)}" for split, places in challenge.annotation_places.items()]
    yield _bullets([*marks, *places])
    if challenge.list_files:
        yield "## Lists of rows to predict" + _doubt(challenge, "list_files")
        yield _bullets(challenge.list_files)


def _rules(challenge: Challenge, event: Event | None, notes: Footnotes) -> Iterator[str]:
    if event is not None:
        yield _phases(event.phases)
    decided = None if event is None else event.trials
    trials = decided or challenge.submissions
    doubt = "" if decided else _doubt(challenge, "submissions")
    unknown = "It is not known how many trials a team may send"
    limit = unknown if trials is None else f"A team may send up to {trials:,} trials"
    yield f"{limit}{doubt}."
    if event is None and challenge.channel is not None:
        yield f"Sent by: {marked_down(challenge.channel)}{_doubt(challenge, 'channel')}."
    if challenge.forbidden_data:
        yield "## Data that may not be used for training"
        yield _bullets(f"{one.name} {notes.mark(one.source)}" for one in challenge.forbidden_data)
    for title, statements in (("Of the organisers", challenge.rules), ("Worth knowing", challenge.notes)):
        if statements:
            yield f"## {title}"
            yield _bullets(f"{one.text} {notes.mark(one.source)}" for one in statements)


def _terms(challenge: Challenge, event: Event | None) -> Iterator[str]:
    asked = "the organisers" if event is None else f"{event.organisers} ({event.contact})"
    yield (
        f"Unless the organisers state other terms: the data ({marked_down(challenge.dataset)}) are used under the "
        "agreement that each participant has signed with their owners. A submission is the team's own work on data "
        "that the rules allow. By submitting, a team agrees that its scores may be published."
    )
    yield f"Questions go to {marked_down(asked)}."


def _sources(challenge: Challenge, notes: Footnotes) -> Iterator[str]:
    rows = [
        [name, notes.mark(source)]
        for name, source in challenge.sources.items()
        if name not in {"rules", "notes", "forbidden_data", "baselines"} and not source.startswith("assumed")
    ]
    yield "Where each fact of the definition comes from:"
    yield _table(["fact", "source"], rows)
    assumed = [f"{name}: {challenge.sources[name]}" for name in assumed_fields(challenge)]
    if assumed:
        yield "## Assumed"
        yield "These have no source; what is given is a reading of the organisers' texts and of participants' programs."
        yield _bullets(assumed)
    yield "## Texts and programs"
    yield _bullets(f"[{number}] {source}" for number, source in notes.numbered())


def _marks(challenge: Challenge) -> dict[str, str]:
    """What marks a missing annotation, by task; tasks without such a mark are left out."""
    return {task.name: f"{task.sentinel:g}" for task in challenge.tasks if task.sentinel is not None}


def _weighted(part: Part) -> str:
    return _criterion(part.criterion) if part.weight == 1 else f"{part.weight:g} x {_criterion(part.criterion)}"


def _criterion(name: str) -> str:
    return CRITERIA.get(name, name.replace("_", " "))


def _predictions(challenge: Challenge) -> str:
    layout = prediction_layouts(challenge)[0]
    return "predictions" if layout.per_unit else f"predictions{layout.suffix}"


def _frozen_name(challenge: Challenge) -> str:
    return f"score_{challenge.id.replace('-', '_')}.py"


def _counts(*counts: int | None) -> str:
    return " or ".join(f"{count:,}" for count in dict.fromkeys(counts) if count is not None) or "?"


def _doubt(challenge: Challenge, *names: str) -> str:
    return " (assumed)" if is_assumed(challenge, *names) else ""


def _bullets(texts: Iterable[str]) -> str:
    return "\n".join(f"- {marked_down(text)}" for text in texts)


def _code(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [f"| {' | '.join(map(marked_down, row))} |" for row in rows]
    return "\n".join([f"| {' | '.join(headers)} |", f"|{':--|' * len(headers)}", *cells])
