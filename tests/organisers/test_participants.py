"""The documentation for participants says what the record says, and its examples are right."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.base.rules import RULES
from abawbench.challenges import CHALLENGES, assumed_fields, get
from abawbench.formats.check import check
from abawbench.formats.layout import prediction_layouts
from abawbench.organisers.faults import planted
from abawbench.organisers.participants import TITLES, markdown, pages, refusals
from abawbench.organisers.samples import sample
from tests.organisers.bundles.events import files_of


@dataclass(frozen=True)
class Dates:
    """What the pages take from a phase."""

    name: str
    begins: datetime = datetime(2026, 7, 10, tzinfo=UTC)
    ends: datetime | None = datetime(2026, 7, 17, 11, 59, 59, tzinfo=UTC)
    daily: int | None = 2
    total: int | None = None
    shows_scores: bool = False


@dataclass(frozen=True)
class OfEvent:
    """What the pages take from an event."""

    title: str = "A challenge"
    organisers: str = "The organisers"
    contact: str = "organisers@example.org"
    site: str | None = None
    summary: str = "First paragraph.\n\nSecond\nparagraph."
    texts: dict[str, Path] = field(default_factory=dict)
    phases: tuple[Dates, ...] = (Dates("Final"),)
    trials: int | None = 3


def code_blocks(page):
    """The indented blocks of a page."""
    return re.findall(r"(?:^    .*\n?)+", page, re.MULTILINE)


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)
def test_every_challenge_has_all_pages(challenge):
    made = pages(challenge)
    assert list(made) == list(TITLES)
    assert all(page.startswith(f"# {TITLES[name]}\n\n") and page.endswith("\n") for name, page in made.items())
    assert challenge.fingerprint in made["overview"]
    for task in challenge.tasks:
        for number, output in enumerate(task.outputs):
            assert (output if task.is_vector else f"| {number} | {output} |") in made["overview"]
    for fact in assumed_fields(challenge):
        assert f"- {fact}: " in made["sources"]


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)
def test_the_lines_of_the_examples_are_accepted(challenge, tmp_path):
    blocks = code_blocks(pages(challenge)["submission_format"])
    layouts = prediction_layouts(challenge)
    for layout, block in zip(layouts, blocks, strict=False):
        lines = "".join(f"{line.removeprefix('    ')}\n" for line in block.splitlines())
        file = tmp_path / f"predictions{layout.suffix}"
        file.write_text(lines)
        where = tmp_path if layout.per_unit else file
        assert not [problem for problem in check(challenge, where) if not problem.is_note]


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)
def test_rules_are_listed_with_their_titles(challenge):
    page = pages(challenge)["submission_format"]
    assert [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line[2:5] in RULES] == list(
        refusals(challenge)
    )


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)
def test_every_planted_fault_is_among_the_rules_that_are_listed(challenge):
    faults = planted(challenge, sample(challenge))
    assert {rule for fault in faults for rule in fault.rules if not rule.startswith("N")} <= set(refusals(challenge))


def test_rules_of_other_formats_are_left_out():
    of_units, of_rows = set(refusals(get("abaw10-vd"))), set(refusals(get("abaw4-mtl")))
    assert {"T07", "T08"} <= of_units - of_rows
    assert {"V03", "V07"} <= of_rows - of_units
    assert "V08" in refusals(get("abaw11-ah"))
    assert "V08" not in of_rows | of_units


def test_facts_without_a_source_are_marked():
    made = pages(get("abaw4-mtl"))
    assert "Computed over frames of the whole split (assumed)." in made["evaluation"]
    assert "- va: -5 marks a row that is not annotated (assumed)" in made["data"]
    assert "- expression: -1 marks a row that is not annotated\n" in made["data"]


def test_the_formula_and_the_commands_are_there():
    text = markdown(get("abaw11-ah"))
    assert "    P = (F1_0 + F1_1) / 2 over videos" in text
    assert "    abawbench check abaw11-ah predictions.txt --template LIST\n" in text
    assert "    python score_abaw11_ah.py TRUTH predictions.txt --intervals\n" in text


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)
def test_words_of_our_own_hold_no_signs_that_are_escaped(challenge):
    page = pages(challenge)["submission_format"].partition("## What is refused")[0]
    assert "\\" not in page


def test_the_document_has_one_heading_of_the_first_level():
    assert re.findall(r"^# .*", markdown(get("abaw4-mtl")), re.MULTILINE) == ["# Multi-Task Learning"]


def test_an_event_gives_dates_limits_and_trials():
    made = pages(get("abaw4-mtl"), OfEvent())
    row = "| Final | 2026-07-10 00:00:00 | 2026-07-17 11:59:59 | 2 | no limit | no |"
    assert row in made["overview"]
    assert row in made["rules"]
    assert "A team may send up to 3 trials." in made["rules"]
    assert "First paragraph.\n\nSecond paragraph." in made["overview"]


def test_texts_of_an_event_stand_first_or_instead_of_the_usual_terms(tmp_path):
    texts = {}
    for name, text in {"terms": "# Our terms\n\nSign.", "data": "Ask us.", "prizes": "A mug."}.items():
        texts[name] = tmp_path / f"{name}.md"
        texts[name].write_text(text)
    made = pages(get("abaw4-mtl"), OfEvent(texts=texts))
    assert made["terms"] == "# Our terms\n\nSign.\n"
    assert made["data"].startswith("# Data\n\nAsk us.\n\nData: s-Aff-Wild2")
    assert list(made)[-1] == "prizes"
    assert made["prizes"] == "# Prizes\n\nA mug.\n"


def test_texts_from_outside_are_shown_as_they_are():
    hostile = "<script>alert(1)</script> | [x](javascript:x) `code` *b* \x1b[2J"
    challenge = replace(get("abaw4-mtl"), title=hostile, dataset=hostile)
    event = OfEvent(title=hostile, organisers=hostile, contact=hostile, summary=hostile, phases=(Dates(hostile),))
    text = markdown(challenge, event)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "\x1b" not in text
    assert "<script" not in html
    assert "href" not in html
    assert "<em>" not in html


def test_python_users_get_the_pages_of_a_challenge_and_of_an_event(tmp_path):
    assert abawbench.participant_pages("abaw4-mtl") == pages(get("abaw4-mtl"))
    files = files_of("abaw4-mtl", tmp_path)
    assert "| Validation | 2026-07-01" in abawbench.participant_pages("abaw4-mtl", files.event.path)["overview"]
    with pytest.raises(ProblemError, match="O07"):
        abawbench.participant_pages("abaw10-va", files.event.path)


def test_the_same_record_gives_the_same_bytes():
    assert markdown(get("abaw11-mtl")) == markdown(get("abaw11-mtl"))
