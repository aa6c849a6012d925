"""The account of a team: its mails in the order of their dates, and what became of each trial."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from abawbench.base.problems import Problem
from abawbench.organisers.mail.roster import Team
from abawbench.organisers.mail.terms import Outcome, Sent, Terms, settle
from abawbench.organisers.mail.trials import Trial
from abawbench.organisers.mail.verdicts import Verdict

# dates of one mail that differ by more are told
FAR_APART = timedelta(hours=1)
_NUMBER = re.compile(r"(\d+)")
# names that Windows keeps for devices
_DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class File:
    """A file as it came: its name, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What is in a mail, a zip or files; the same for the same bytes.

    Attributes:
        key: SHA-256 of the mail, or over hash and names of files without one.
        sender: address of the sender.
        subject: subject of the mail.
        message_id: id of the mail.
        sent: time that the mail states.
        received: time at which the last server took it.
        files: what was attached.
        trials: the trials in it.
        problems: what is wrong with mail, zips and names, and notes.
    """

    key: str
    sender: str | None
    subject: str
    message_id: str | None
    sent: datetime | None
    received: datetime | None
    files: tuple[File, ...]
    trials: tuple[Trial, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """Something that came in, with its place in the inbox.

    Attributes:
        place: path below the inbox.
        is_mail: True for a mail with headers; False for a zip or files without.
        opened: what is in it.
    """

    place: str
    is_mail: bool
    opened: Opened

    @property
    def when(self) -> datetime | None:
        """The time that counts: that of the server which took the mail last, else the one that the mail states."""
        return self.opened.received or self.opened.sent

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the mail, and notes on its dates."""
        sent, received = self.opened.sent, self.opened.received
        if not self.is_mail:
            fix = "put the mail into the inbox where a deadline holds"
            date = [Problem("N82", "files without their mail", "a mail", fix, self.place)]
        elif sent is not None and received is not None and abs(received - sent) > FAR_APART:
            found = f"{said(sent)} by the mail, {said(received)} by the server that took it"
            fix = "the server's counts; ask the sender where it matters"
            date = [Problem("N81", found, "dates near each other", fix, self.place)]
        else:
            date = []
        return (*self.opened.problems, *date)

    @property
    def order(self) -> tuple[Any, ...]:
        """What mails of a team are sorted by: the time, then the content; without a time the name."""
        natural = () if self.is_mail else tuple(_natural(self.place))
        return (self.when or _LAST, natural, self.opened.key)


@dataclass(frozen=True)
class Account:
    """A team with its mails and trials.

    Attributes:
        team: the team.
        mails: its mails in the order of their dates, each once.
        outcomes: its trials in the same order.
        verdicts: verdicts on those that were judged, by hash.
    """

    team: Team
    mails: tuple[Mail, ...]
    outcomes: tuple[Outcome, ...]
    verdicts: Mapping[str, Verdict]

    @property
    def accepted(self) -> tuple[tuple[Outcome, Verdict], ...]:
        """The trials that were scored, with their verdicts, in the order of their dates."""
        judged = [(one, self.verdicts[one.sent.trial.sha256]) for one in self.outcomes if one.state == "judged"]
        return tuple((one, verdict) for one, verdict in judged if verdict.is_accepted)

    def of_mail(self, mail: Mail) -> list[Outcome]:
        """The outcomes of a mail's trials."""
        return [one for one in self.outcomes if one.sent.mail == mail.opened.key]

    def state_of(self, mail: Mail, *, shows_scores: bool) -> str:
        """A hash of what a reply says about a mail, which changes where the answer does."""
        own = self.of_mail(mail)
        parts = [
            (one.state, [problem.to_json() for problem in one.problems], self._judged(one, shows_scores)) for one in own
        ]
        text = json.dumps([mail.opened.key, parts], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _judged(self, one: Outcome, shows_scores: bool) -> Any:
        verdict = self.verdicts.get(one.sent.trial.sha256) if one.state == "judged" else None
        if verdict is None or verdict.score is None:
            return None if verdict is None else [problem.rule for problem in verdict.problems]
        return verdict.score["score"] if shows_scores else "scored"


def settle_accounts(
    terms: Terms, teams: Sequence[tuple[Team, Sequence[Mail]]], judge: Callable[[Sequence[str]], Mapping[str, Verdict]]
) -> tuple[Account, ...]:
    """Settle which trials of each team count, and have those judged.

    Trials are judged in rounds: a trial that is refused makes room in the quota for the next.

    Args:
        terms: deadline and quotas.
        teams: each team with its mails, in any order.
        judge: function that gives the verdicts on trials by hash.
    """
    verdicts: dict[str, Verdict] = {}
    ordered = [(team, _once(mails)) for team, mails in teams]
    sent = [[_sent(mail, trial) for mail in mails for trial in mail.opened.trials] for _, mails in ordered]
    while True:
        accepted = {digest: verdict.is_accepted for digest, verdict in verdicts.items()}
        settled = [settle(terms, own, accepted) for own in sent]
        wanted = list(dict.fromkeys(digest for _, more in settled for digest in more))
        if not wanted:
            break
        verdicts |= judge(wanted)
    return tuple(
        Account(team, mails, outcomes, {one.sent.trial.sha256: verdicts[one.sent.trial.sha256] for one in judged})
        for (team, mails), (outcomes, _) in zip(ordered, settled, strict=True)
        for judged in [[one for one in outcomes if one.state == "judged"]]
    )


def _once(mails: Sequence[Mail]) -> tuple[Mail, ...]:
    """Mails in the order of their dates, those of the same bytes once."""
    kept: dict[str, Mail] = {}
    for mail in sorted(mails, key=lambda mail: mail.place):
        kept.setdefault(mail.opened.key, mail)
    return tuple(sorted(kept.values(), key=lambda mail: mail.order))


def _sent(mail: Mail, trial: Trial) -> Sent:
    return Sent(mail.opened.key, mail.when, mail.is_mail, trial)


def _natural(text: str) -> list[tuple[int, str]]:
    """A text by which `trial-10` sorts behind `trial-2`."""
    return [(int(part), "") if part.isdigit() and part.isascii() else (0, part) for part in _NUMBER.split(text)]


def said(moment: datetime | None) -> str:
    """A moment for a reader; words for none."""
    return "no date" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def slug(name: str) -> str:
    """A name for files: letters, digits and hyphens, never the same for two names.

    >>> slug("blue-team"), slug("Blue team")
    ('blue-team', 'blue-team-639bd5a1')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    if plain == name and not re.search(r"-[0-9a-f]{8}$", plain) and not _DEVICES.fullmatch(plain):
        return plain
    return f"{plain or 'team'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
