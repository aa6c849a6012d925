"""The bundle for EvalAI: configuration, pages, evaluation script and annotation files, in one zip to upload."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from abawbench.base.markdown_text import marked_down
from abawbench.base.problems import Problem, inert
from abawbench.base.zip_bytes import zipped
from abawbench.exports.yaml_text import to_yaml
from abawbench.formats.layout import prediction_layouts
from abawbench.organisers.bundles.board import Column, board_columns
from abawbench.organisers.bundles.folder import Bundle, write_bundle
from abawbench.organisers.bundles.inputs import PhaseFiles, read_phases, root_of
from abawbench.organisers.bundles.logo import logo_of
from abawbench.organisers.bundles.rehearsed import require_scores
from abawbench.organisers.events.deadlines import in_words, utc_text
from abawbench.organisers.events.event import Event, Phase, notes_on
from abawbench.organisers.frozen import frozen_scorer
from abawbench.organisers.participants import TITLES, pages

PLATFORM = "evalai"
# hosted workers are Python 3.7, 3.8 and 3.9, and only that of 3.9 has NumPy 1.26
WORKER_PYTHON = "3.9"
DOMAIN = "CV"
PRECISION = 5
TIME_LIMIT_S = 3600
# what EvalAI takes for no limit, and a day for a phase without an end
UNLIMITED = 100_000
NEVER = "2099-12-31 23:59:59"
MOST_AT_ONCE = 3
HIDDEN, PUBLIC = 1, 3
# pages of the participants' documentation that make each page of EvalAI; further texts of the event go to the first
PAGES = {
    "description": ("overview", "data", "rules", "sources"),
    "evaluation_details": ("evaluation",),
    "submission_guidelines": ("submission_format",),
    "terms_and_conditions": ("terms",),
}


def make(event: Event, truths: Mapping[str, Path], templates: Mapping[str, Path], folder: Path, made: str) -> Bundle:
    """Make the bundle for EvalAI.

    Args:
        event: the event.
        truths: paths of truths by the codename of the phase.
        templates: paths of lists by the codename of the phase.
        folder: folder to write, new or that of an earlier bundle.
        made: date of the making, as 2026-07-01.

    Raises:
        ProblemError: O08 a truth or list is missing, O09 the challenge or its sample has no score, problems of truths
            and lists, and those of `folder.write_bundle`.
    """
    columns = board_columns(event.challenge)
    phases, notes = read_phases(event, truths, templates)
    scorer = frozen_scorer(event.challenge, made)
    require_scores(scorer, phases)
    logo = logo_of(event)
    files = {
        "challenge_config.yaml": to_yaml(_config(event, columns, logo[0])).encode(),
        "evaluation_script.zip": _script(event, columns, scorer),
        **{_annotation(one.phase): _annotations(one) for one in phases},
        **{_page(name): text.encode() for name, text in _pages(event).items()},
        logo[0]: logo[1],
    }
    return write_bundle(event, PLATFORM, files, folder, made, (*notes_on(event), *notes, *_notes(event)))


def _config(event: Event, columns: Sequence[Column], logo: str) -> dict[str, Any]:
    splits = list(dict.fromkeys(phase.split for phase in event.phases))
    return {
        "title": event.title,
        "short_description": inert(" ".join(event.summary.split())),
        **{name: _page(name) for name in PAGES},
        "image": logo,
        "leaderboard_description": (
            f"{event.challenge.metric.formula}. Error bars are half widths of 95 % intervals over videos."
        ),
        "evaluation_script": "evaluation_script.zip",
        "worker_python_version": WORKER_PYTHON,
        "remote_evaluation": False,
        "is_docker_based": False,
        "submission_time_limit": TIME_LIMIT_S,
        "start_date": utc_text(min(phase.begins for phase in event.phases)),
        "end_date": max(_end(phase) for phase in event.phases),
        "published": False,
        "domain": DOMAIN,
        "tags": list(dict.fromkeys(["affective computing", "ABAW", event.challenge.dataset, event.challenge.track])),
        "leaderboard": [
            {
                "id": 1,
                "schema": {"labels": [column.title for column in columns], "default_order_by": columns[0].title},
            }
        ],
        "challenge_phases": [_phase(event, number, phase) for number, phase in enumerate(event.phases, start=1)],
        "dataset_splits": [
            {"id": number, "name": split.capitalize(), "codename": split}
            for number, split in enumerate(splits, start=1)
        ],
        "challenge_phase_splits": [
            {
                "challenge_phase_id": number,
                "leaderboard_id": 1,
                "dataset_split_id": splits.index(phase.split) + 1,
                "visibility": PUBLIC if phase.shows_scores else HIDDEN,
                "leaderboard_decimal_precision": PRECISION,
                "is_leaderboard_order_descending": True,
                "show_leaderboard_by_latest_submission": event.counts == "last",
                "show_scores_on_leaderboard": phase.shows_scores,
                "show_execution_time": False,
            }
            for number, phase in enumerate(event.phases, start=1)
        ],
    }


def _phase(event: Event, number: int, phase: Phase) -> dict[str, Any]:
    total = phase.total or (event.trials if phase.is_private else None) or UNLIMITED
    daily = min(total, phase.daily or UNLIMITED)
    layout = prediction_layouts(event.challenge)[0]
    return {
        "id": number,
        "name": phase.name,
        "codename": phase.codename,
        "description": _page(f"phase_{phase.codename}"),
        "is_public": True,
        "leaderboard_public": phase.shows_scores,
        # so that every team stands on a board that is opened later
        "is_submission_public": True,
        "is_restricted_to_select_one_submission": False,
        "is_partial_submission_evaluation_enabled": False,
        # a team reads there what is wrong with its submission
        "disable_logs": False,
        "start_date": utc_text(phase.begins),
        "end_date": _end(phase),
        "test_annotation_file": _annotation(phase),
        "max_submissions_per_day": daily,
        "max_submissions_per_month": total,
        "max_submissions": total,
        "max_concurrent_submissions_allowed": min(MOST_AT_ONCE, daily),
        "allowed_submission_file_types": ".zip" if layout.per_unit else ".txt, .csv, .zip",
    }


def _end(phase: Phase) -> str:
    return NEVER if phase.ends is None else utc_text(phase.ends)


def _annotation(phase: Phase) -> str:
    return f"annotations/{phase.codename}.zip"


def _annotations(one: PhaseFiles) -> bytes:
    """Truth and list of a phase as the one file that EvalAI takes."""
    paths = json.dumps({"truth": root_of(one.truth), "template": root_of(one.template)}, indent=2) + "\n"
    return zipped([("paths.json", paths.encode()), *sorted((*one.truth.items(), *one.template.items()))])


def _script(event: Event, columns: Sequence[Column], scorer: str) -> bytes:
    settings = {
        "challenge": event.challenge.id,
        "phases": {
            phase.codename: {
                "split": phase.split,
                "private": phase.is_private,
                "shows_scores": phase.shows_scores,
            }
            for phase in event.phases
        },
        "columns": [[column.title, list(column.path)] for column in columns],
    }
    main = resources("abawbench.organisers.bundles").joinpath("evalai_program.py").read_bytes()
    return zipped(
        [
            ("__init__.py", b'"""Evaluation of submissions; EvalAI imports this."""\n\nfrom .main import evaluate\n'),
            ("frozen_scorer.py", scorer.encode("ascii")),
            ("main.py", main),
            ("settings.json", (json.dumps(settings, indent=2) + "\n").encode()),
        ]
    )


def _page(name: str) -> str:
    return f"templates/{name}.html"


def _pages(event: Event) -> dict[str, str]:
    """The pages as HTML, each without a page around it, as EvalAI puts them into its own."""
    documents = pages(event.challenge, event)
    further = [name for name in documents if name not in TITLES]
    made = {
        name: "\n".join(documents[part] for part in (*parts, *(further if name == "description" else ())))
        for name, parts in PAGES.items()
    }
    made |= {f"phase_{phase.codename}": "\n\n".join(_described(phase)) for phase in event.phases}
    return {name: _html(text) for name, text in made.items()}


def _described(phase: Phase) -> Iterator[str]:
    yield marked_down(" ".join(phase.description.split()))
    yield f"From {in_words(phase.begins)}" + (f" until {in_words(phase.ends)}." if phase.ends else ".")
    yield "Scores are shown." if phase.shows_scores else "Scores are shown after the phase."


def _html(markdown: str) -> str:
    from markdown_it import MarkdownIt

    # tags in a text are shown, and not followed
    return MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)


def _notes(event: Event) -> Iterator[Problem]:
    place = str(event.path)
    if event.counts == "last":
        found = "the last submission counts, and EvalAI orders such a board by time and not by score"
        yield Problem("N76", found, "a board in the order of the scores", 'set counts = "best"', place)
    if event.docker_image is not None:
        found = f"docker_image, where hosted workers of EvalAI run Python {WORKER_PYTHON} of their own"
        yield Problem("N76", found, "an image that the platform runs", "leave it out, or use Codabench", place)
    for phase in event.phases:
        if phase.ends is None:
            found = f"the phase {phase.codename} has no end, and EvalAI gets {NEVER}"
            yield Problem("N76", found, "an end, which EvalAI asks for", "give the phase an end", place)
