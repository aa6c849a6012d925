"""The bundle for Codabench: competition.yaml, scoring program, reference data, starting kits, pages and a logo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.zip_bytes import zipped
from abawbench.challenges import Challenge
from abawbench.exports.yaml_text import to_yaml
from abawbench.formats.layout import prediction_layouts
from abawbench.organisers.bundles import codabench_program
from abawbench.organisers.bundles.board import Column, board_columns
from abawbench.organisers.bundles.folder import Bundle, write_bundle
from abawbench.organisers.bundles.inputs import PhaseFiles, read_phases, root_of
from abawbench.organisers.bundles.logo import logo_of
from abawbench.organisers.bundles.rehearsed import require_scores
from abawbench.organisers.bundles.starting_kit import starting_kit
from abawbench.organisers.events.deadlines import in_words, utc_text
from abawbench.organisers.events.event import Event, Phase, notes_on
from abawbench.organisers.frozen import frozen_scorer
from abawbench.organisers.participants import TITLES, pages

PLATFORM = "codabench"
# has Python 3.9 and NumPy; Codabench's own default has Python 3.7
DOCKER_IMAGE = "codalab/codalab-legacy:py39"
COMMAND = "python3 /app/program/score.py /app/input /app/output"
# seconds; the shared queue gives no more
TIME_LIMIT_S = 600
PRECISION = 5
RULES = {"best": "Force_Best", "last": "Force_Last"}
KEY = "main"


def make(event: Event, truths: Mapping[str, Path], templates: Mapping[str, Path], folder: Path, made: str) -> Bundle:
    """Make the bundle of an event for Codabench.

    Args:
        event: the event.
        truths: paths of truths by the codename of the phase.
        templates: paths of the organisers' lists by the codename of the phase.
        folder: a new folder, or that of an earlier bundle that nobody has changed.
        made: date of the making, as 2026-07-01.

    Raises:
        ProblemError: O08 a phase has no truth or list, O09 Codabench cannot hold the event, the problems of truths and
            lists, C02, F01 or F12 the folder cannot be written. Nothing is written then.
    """
    columns = board_columns(event.challenge)
    _require_sequence(event)
    phases, notes = read_phases(event, truths, templates)
    scorer = frozen_scorer(event.challenge, made)
    require_scores(scorer, phases)
    kits = {phase.phase.codename: starting_kit(event, phase, scorer) for phase in phases}
    texts = pages(event.challenge, event)
    logo = logo_of(event)
    files: dict[str, bytes] = {
        "competition.yaml": to_yaml(_competition(event, columns, texts, logo[0])).encode(),
        logo[0]: logo[1],
        "scoring_program.zip": zipped(list(_scoring_program(scorer))),
    }
    files |= {_page_file(name): text.encode() for name, text in texts.items()}
    for phase in phases:
        name = phase.phase.codename
        files[f"reference_{name}.zip"] = zipped(list(_reference(event, phase, columns)))
        files[f"starting_kit_{name}.zip"] = kits[name]
        files[f"sample_submission_{name}.zip"] = zipped(
            [(PurePosixPath(path).name, data) for path, data in phase.sample.items()]
        )
    return write_bundle(event, PLATFORM, files, folder, made, (*notes_on(event), *notes, *_hidden(event)))


def _require_sequence(event: Event) -> None:
    """Codabench takes phases that follow each other alone. Raises: ProblemError O09."""
    problems: list[Problem] = []
    for earlier, later in pairwise(event.phases):
        if earlier.ends is None:
            found = f"{earlier.codename} has no end, and {later.codename} comes after it"
        elif later.begins <= earlier.ends:
            found = (
                f"{later.codename} begins {in_words(later.begins)}, {earlier.codename} ends {in_words(earlier.ends)}"
            )
        else:
            continue
        expected = "phases of which each begins after the one before has ended"
        problems.append(Problem("O09", found, expected, "correct the dates, or make two events", str(event.path)))
    if problems:
        raise ProblemError(*problems)


def _hidden(event: Event) -> Iterator[Problem]:
    """N76 for each phase whose scores are not to be shown, which Codabench cannot wholly do."""
    for phase in event.phases:
        if not phase.shows_scores:
            found = f"{phase.codename} is not to show scores, but Codabench lists its score beside each submission"
            fix = "run the phase as an event of its own and turn `auto_run_submissions` off until it has ended"
            yield Problem("N76", found, "scores that are shown when the phase has ended", fix, str(event.path))


def _competition(event: Event, columns: tuple[Column, ...], texts: Mapping[str, str], logo: str) -> dict[str, Any]:
    """The content of competition.yaml. Codabench ignores unknown keys without a word, so there are none."""
    all_shown = all(phase.shows_scores for phase in event.phases)
    return {
        "version": 2,
        "title": event.title,
        "description": event.summary,
        "image": logo,
        "terms": _page_file("terms"),
        "contact_email": event.contact,
        "competition_type": "competition",
        "docker_image": event.docker_image or DOCKER_IMAGE,
        "registration_auto_approve": False,
        "auto_run_submissions": True,
        "enable_detailed_results": True,
        "show_detailed_results_in_submission_panel": True,
        "show_detailed_results_in_leaderboard": all_shown,
        "can_participants_make_submissions_public": False,
        "make_programs_available": True,
        "make_input_data_available": False,
        "forum_enabled": True,
        "fact_sheet": _fact_sheet(event.challenge),
        "pages": [
            {"title": TITLES.get(name) or name.replace("_", " ").capitalize(), "file": _page_file(name)}
            for name in texts
            if name != "terms"
        ],
        "tasks": [
            {
                "index": place,
                "name": f"{event.title[:200]}: {phase.name}",
                "description": f"{event.challenge.id}, {phase.split}",
                "scoring_program": "scoring_program.zip",
                "reference_data": f"reference_{phase.codename}.zip",
            }
            for place, phase in enumerate(event.phases)
        ],
        "phases": [_phase(event, place, phase) for place, phase in enumerate(event.phases)],
        # a second one would be ignored
        "leaderboards": [
            {
                "title": "Results",
                "key": KEY,
                "primary_index": 0,
                "submission_rule": RULES[event.counts],
                "hidden": not any(phase.shows_scores for phase in event.phases),
                "columns": [
                    {
                        "title": column.title,
                        "key": column.key,
                        "index": place,
                        "sorting": "desc",
                        "precision": PRECISION,
                        "hidden": False,
                    }
                    for place, column in enumerate(columns)
                ],
            }
        ],
    }


def _phase(event: Event, place: int, phase: Phase) -> dict[str, Any]:
    total = phase.total if phase.total is not None or not phase.is_private else event.trials
    ends = {} if phase.ends is None else {"end": utc_text(phase.ends)}
    return {
        "index": place,
        "name": phase.name,
        "description": phase.description,
        # quoted and in UTC: a timestamp loses its time of day, a zone is thrown away
        "start": utc_text(phase.begins),
        **ends,
        "tasks": [place],
        # left out, these would be 5 and 100
        "max_submissions_per_day": phase.daily,
        "max_submissions": total,
        "execution_time_limit": TIME_LIMIT_S,
        "auto_migrate_to_this_phase": False,
        "hide_output": False,
        "hide_prediction_output": False,
        "hide_score_output": not phase.shows_scores,
        "starting_kit": f"starting_kit_{phase.codename}.zip",
    }


def _fact_sheet(challenge: Challenge) -> dict[str, Any]:
    """The questions that a team answers with each submission."""
    questions = {
        "method": _question("method", "Name of the method", is_shown=True),
        "training_data": _question("training_data", "Data of all training, pretraining included"),
        "paper": _question("paper", "Address of paper or code", is_required=False),
    }
    if challenge.forbidden_data:
        names = ", ".join(data.name for data in challenge.forbidden_data)
        title = f"Not trained on what the rules forbid: {names}"
        questions["rules"] = {**_question("rules", title), "type": "checkbox", "selection": [True, False]}
    return questions


def _question(key: str, title: str, *, is_required: bool = True, is_shown: bool = False) -> dict[str, Any]:
    return {
        "key": key,
        "type": "text",
        "title": title,
        "selection": "",
        "is_required": str(is_required).lower(),
        "is_on_leaderboard": str(is_shown).lower(),
    }


def _scoring_program(scorer: str) -> Iterator[tuple[str, bytes]]:
    """Files of the scoring program, all in the root: one folder down, Codabench would not find them."""
    yield "metadata.yaml", f"command: {COMMAND}\n".encode()
    yield "score.py", read_input(Path(codabench_program.__file__))
    yield "frozen_scorer.py", scorer.encode()


def _reference(event: Event, files: PhaseFiles, columns: tuple[Column, ...]) -> Iterator[tuple[str, bytes]]:
    settings = {
        "title": event.title,
        "challenge": event.challenge.id,
        "fingerprint": event.challenge.fingerprint,
        "phase": files.phase.codename,
        "truth": root_of(files.truth),
        "template": root_of(files.template),
        "per_unit": prediction_layouts(event.challenge)[0].per_unit,
        "private": files.phase.is_private,
        "shows_scores": files.phase.shows_scores,
        "columns": [
            {"key": column.key, "title": column.title, "path": list(column.path), "low": column.low}
            for column in columns
        ],
    }
    yield "settings.json", (json.dumps(settings, indent=2) + "\n").encode()
    yield from files.truth.items()
    yield from files.template.items()


def _page_file(name: str) -> str:
    return f"pages/{name}.md"
