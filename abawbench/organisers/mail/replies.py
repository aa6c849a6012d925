"""Replies to teams: what came, what is wrong with it and how to mend it, what counts, and what is left of the quota."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from abawbench.base.problems import Problem, inert, remarks, render
from abawbench.challenges import Challenge
from abawbench.organisers.events.deadlines import in_words
from abawbench.organisers.mail.account import Account, Mail, said
from abawbench.organisers.mail.letter import ADDRESS
from abawbench.organisers.mail.terms import Outcome, Terms
from abawbench.organisers.mail.verdicts import Verdict
from abawbench.scoring.intervals import quoted

WIDTH = 78
# ids of mails are never broken
WIRE = SMTP.clone(max_line_length=900)
MOST_ADDRESSES = 20
# characters of a name or subject that a reply repeats
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that is ready to be sent.

    Attributes:
        number: number of the reply to this team, from 1.
        to: addresses.
        subject: subject.
        in_reply_to: id of the newest mail that it answers; None where that has none.
        text: the text.
        answers: by key of each mail that it answers, the state that it tells.
    """

    number: int
    to: tuple[str, ...]
    subject: str
    in_reply_to: str | None
    text: str
    answers: dict[str, str]

    def as_mail(self, sender: str | None) -> bytes:
        """The reply as an .eml file, which mail programs open as a draft."""
        message = EmailMessage(policy=WIRE)
        if sender is not None and ADDRESS.fullmatch(sender):
            message["From"] = sender
        if self.to:
            message["To"] = ", ".join(self.to)
        # what a sender encoded twice would be decoded here, line feeds included
        message["Subject"] = self.subject.replace("=?", "= ?")
        if self.in_reply_to is not None:
            message["In-Reply-To"] = self.in_reply_to
            message["References"] = self.in_reply_to
        message["X-Unsent"] = "1"
        message.set_content(self.text, cte="quoted-printable")
        return message.as_bytes()

    def as_text(self) -> str:
        """The reply as plain text, with the headers above it."""
        return f"To: {', '.join(self.to)}\nSubject: {self.subject}\n\n{self.text}"


def next_reply(challenge: Challenge, terms: Terms, account: Account, answered: Sequence[Reply]) -> Reply | None:
    """The reply to what a team was not answered yet, or answered otherwise; None where nothing is new.

    Args:
        challenge: the challenge.
        terms: the terms; they say whether scores are told.
        account: the team's account.
        answered: the earlier replies to the team.
    """
    before: dict[str, str] = {}
    for reply in answered:
        before |= reply.answers
    states = {mail.opened.key: account.state_of(mail, shows_scores=terms.shows_scores) for mail in account.mails}
    new = [mail for mail in account.mails if before.get(mail.opened.key) != states[mail.opened.key]]
    if not new:
        return None
    newest = new[-1]
    own = account.team.addresses or tuple(mail.opened.sender for mail in new if mail.opened.sender is not None)
    to = tuple(dict.fromkeys(one for one in own if ADDRESS.fullmatch(one)))[:MOST_ADDRESSES]
    lines = [
        f"Dear {_plain(account.team.name)},",
        "",
        *textwrap.wrap(f"this is what we received from you for {_plain(terms.title)} ({challenge.id}).", WIDTH),
    ]
    for mail in new:
        lines += ["", *_on_mail(terms, account, mail, is_changed=mail.opened.key in before)]
    if any(_is_refused(account, outcome) for mail in new for outcome in account.of_mail(mail)):
        lines += ["", "Before you send a file, see whether it will be accepted (LIST is our list):"]
        lines += [f"  abawbench check {challenge.id} FILE --template LIST"]
    lines += [
        "",
        *textwrap.wrap(_quota(terms, account), WIDTH),
        "",
        "Kind regards",
        _plain(terms.organisers) or "the organisers",
    ]
    if terms.contact:
        lines.append(_plain(terms.contact))
    subject = _plain(newest.opened.subject) or f"Your submission to {challenge.id}"
    subject = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    answers = {mail.opened.key: states[mail.opened.key] for mail in new}
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return Reply(len(answered) + 1, to, subject, newest.opened.message_id, text, answers)


def _on_mail(terms: Terms, account: Account, mail: Mail, *, is_changed: bool) -> Iterator[str]:
    opened = mail.opened
    about = f'"{_plain(opened.subject)}"' if opened.subject else ""
    head = f"Mail of {said(mail.when)} {about}" if mail.is_mail else f"Files {_plain(mail.place)}"
    yield from _paragraph(head.strip() + (", answered anew" if is_changed else ""))
    if opened.sent and opened.received and opened.sent != opened.received:
        yield from _paragraph(f"(dated {said(opened.sent)}; what counts is when the server took it)", "  ")
    for file in opened.files[:50]:
        yield from _paragraph(f"{_plain(file.name)}: {file.size:,} bytes, sha256 {file.sha256[:16]}", "  ")
    if len(opened.files) > 50:
        yield f"  and {len(opened.files) - 50:,} more files"
    wrong = [problem for problem in opened.problems if not problem.is_note]
    yield from _problems(wrong, "  ")
    for line in remarks([problem for problem in opened.problems if problem.is_note]):
        yield from _paragraph(f"note: {line}", "  ")
    for outcome in account.of_mail(mail):
        yield ""
        yield from _on_trial(terms, outcome, account.verdicts.get(outcome.sent.trial.sha256))


def _on_trial(terms: Terms, outcome: Outcome, verdict: Verdict | None) -> Iterator[str]:
    name = _plain(outcome.sent.trial.name)
    if outcome.state != "judged" or verdict is None:
        yield from _paragraph(f"{name}: NOT SCORED", "  ")
        yield from _problems(outcome.problems, "    ")
        return
    problems = verdict.named(outcome.sent.trial.name, is_private=terms.is_private)
    wrong = [problem for problem in problems if not problem.is_note]
    if verdict.is_failure:
        yield from _paragraph(f"{name}: NOT SCORED YET", "  ")
        yield from _problems(verdict.named(outcome.sent.trial.name, is_private=True), "    ")
    elif verdict.score is None:
        yield from _paragraph(f"{name}: REFUSED; it takes nothing from your quota", "  ")
        yield from _problems(wrong, "    ")
    elif terms.shows_scores:
        yield from _paragraph(f"{name}: SCORED, {score_text(verdict.score)}", "  ")
    else:
        yield from _paragraph(f"{name}: ACCEPTED and scored; scores are published after the deadline", "  ")
    for line in remarks([problem for problem in problems if problem.is_note]):
        yield from _paragraph(f"note: {line}", "    ")


def _is_refused(account: Account, outcome: Outcome) -> bool:
    verdict = account.verdicts.get(outcome.sent.trial.sha256)
    return outcome.state == "judged" and verdict is not None and verdict.score is None and not verdict.is_failure


def score_text(score: dict[str, Any]) -> str:
    """A score with its interval, for a reader."""
    if score["score"] is None:
        return "no total, since the challenge has none"
    found = quoted(score["intervals"]["score"])
    within = "" if found is None else f" (95 % interval {found[1][0]:z.4f} to {found[1][1]:z.4f})"
    terms = score["terms"]
    parts = ", ".join(f"{name} {value:z.4f}" for name, value in terms.items() if value is not None)
    return f"score {score['score']:z.4f}{within}" + (f"; {parts}" if len(terms) > 1 else "")


def _quota(terms: Terms, account: Account) -> str:
    used = len(account.accepted)
    left = max(0, terms.total - used)
    text = f"Trials that count: {used} of {terms.total}; {left} left."
    if terms.daily is not None:
        text += f" At most {terms.daily} a day count, by the clock of UTC."
    if terms.ends is not None:
        text += f" The deadline is {in_words(terms.ends)}."
    kind = "last" if terms.counts == "last" else "best"
    return f"{text} Your {kind} trial stands on the board."


def _problems(problems: Sequence[Problem], indent: str) -> Iterator[str]:
    if problems:
        for line in render(problems).split("\n"):
            yield from _paragraph(line, indent)


def _paragraph(text: str, indent: str = "") -> list[str]:
    """Lines of a text, which stay as long as a name or path needs them."""
    own = indent + text[: len(text) - len(text.lstrip(" "))]
    return textwrap.wrap(
        text.strip(),
        WIDTH,
        initial_indent=own,
        subsequent_indent=f"{own}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(text: str) -> str:
    """A text from outside in one inert line."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return " ".join(inert(short).split())
