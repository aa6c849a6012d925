"""An event file to fill in, with a comment for every key."""

from __future__ import annotations

from pathlib import Path

from abawbench.base.files import check_output, write_file
from abawbench.base.problems import Problem, ProblemError, inert
from abawbench.challenges import Challenge

_TEMPLATE = """\
# An event: {title} ({id}) as you run it. `abawbench bundle` and `abawbench mailroom` read this file.
# Fill in what begins with "write"; what stands behind a # may be left out.

title = "write the title, at most 100 characters"
challenge = "{id}"
organisers = "write the names of the organisers"
contact = "write an e-mail address for questions"
summary = "write what the event is about, in a sentence or two"
# site = "https://example.org/event"
# logo = "logo.png"    # a PNG or JPEG beside this file; without one a plain logo is drawn
{trials}    # predictions that a team may send in all
# counts = "best"    # which submission of a team stands on the board: best or last
# docker_image = "codalab/codalab-legacy:py39"    # where a platform scores; it needs Python 3.8 or later, and NumPy

# Pages as Markdown files beside this one. Your text stands first on its page; what follows is made from the record of
# the challenge. Terms are yours alone, if you give any. Other names give further pages.
[texts]
# overview = "overview.md"
# evaluation = "evaluation.md"
# submission_format = "submission_format.md"
# data = "data.md"
# rules = "rules.md"
# terms = "terms.md"

# Dates are text in quotes, with a time and a zone: UTC, AoE (anywhere on earth), +02:00, or Europe/London.
[[phases]]
name = "Validation"
codename = "validation"    # for programs: a-z, 0-9, - and _
begins = "write a date, as 2026-07-01 00:00:00 UTC"
ends = "write a date, as 2026-07-08 23:59:59 AoE"
daily = 10    # submissions of a team in a day; leave it out for no limit
# total = 100    # submissions of a team in the phase
private = false    # true: messages tell nothing of the truth
shows_scores = true    # true: a team sees its score before the event is over
split = "validation"    # train, validation or test
description = "Scores on labels that every team has."

[[phases]]
name = "Test"
codename = "test"
begins = "write a date, as 2026-07-09 12:00:00 UTC"
ends = "write a date, as 2026-07-16 23:59:59 AoE"
daily = {daily}
total = {total}
private = true
shows_scores = false
split = "test"
description = "Decides the ranking."
"""


def event_text(challenge: Challenge) -> str:
    """The text of an event file for a challenge, to be filled in."""
    total = challenge.submissions or 5
    return _TEMPLATE.format(
        title=inert(challenge.title),
        id=challenge.id,
        trials=f"{'' if challenge.submissions else '# '}trials = {total}",
        daily=min(total, 5),
        total=total,
    )


def write_event(challenge: Challenge, path: Path) -> None:
    """Write an event file to fill in. Raises: ProblemError C02 a file is there already, F01, F12."""
    check_output(path)
    if path.exists():
        fix = "name another file, or remove it"
        raise ProblemError(Problem("C02", "something is there already", "a new file", fix, str(path)))
    write_file(path, event_text(challenge).encode())
