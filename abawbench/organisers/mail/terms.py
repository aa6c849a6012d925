"""What holds for trials: phase, deadline and quotas; and which trials of a team count, by the dates of its mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.challenges import Challenge
from abawbench.formats.check import most_trials
from abawbench.organisers.mail.trials import Trial

if TYPE_CHECKING:
    from abawbench.organisers.events.event import Event

State = Literal["judged", "repeated", "outside", "undated", "beyond"]
# so many trials in one mail are a mistake, of which none is scored
MOST_IN_A_MAIL = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a challenge, or of a phase of an event.

    Attributes:
        title: name of the challenge or event for a reader.
        organisers: names of the organisers; empty where no event names them.
        contact: address of the organisers; None where no event names one.
        phase: name of the phase; empty without an event.
        begins: moment from which trials count; None for any.
        ends: last moment at which trials count; None for any.
        daily: number of trials of a team that count in a day of UTC; None for any number.
        total: number of trials of a team that count.
        is_private: True where no reply may tell anything of the truth.
        shows_scores: True where replies tell scores.
        counts: which trial of a team stands on the board: its best one or its last.
    """

    title: str
    organisers: str
    contact: str | None
    phase: str
    begins: datetime | None
    ends: datetime | None
    daily: int | None
    total: int
    is_private: bool
    shows_scores: bool
    counts: Literal["best", "last"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A trial and when it came.

    Attributes:
        mail: key of what it came in.
        when: time of the mail; None for a file without a mail.
        is_mail: True where it came in a mail with headers.
        trial: the trial.
    """

    mail: str
    when: datetime | None
    is_mail: bool
    trial: Trial


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a trial.

    Attributes:
        sent: the trial.
        state: `judged` where it is checked and scored; else the reason why not.
        problems: the reason in full; empty where it is judged.
    """

    sent: Sent
    state: State
    problems: tuple[Problem, ...] = ()


def terms_of(challenge: Challenge, event: Event | None = None, codename: str | None = None) -> Terms:
    """The terms of a phase of an event; without an event those that the challenge knows, and nothing is told.

    Args:
        challenge: the challenge.
        event: the event.
        codename: codename of the phase; it may be left out where the event has only one.

    Raises:
        ProblemError: C02, the event is of another challenge, or it is not clear which phase is meant.
    """
    if event is None:
        if codename is not None:
            raise ProblemError(Problem("C02", "--phase without --event", "an event with phases", "give --event, too"))
        limit = most_trials(challenge)
        return Terms(challenge.title, "", None, "", None, None, None, limit, True, False, "best")
    if event.challenge.fingerprint != challenge.fingerprint:
        found, expected = f"an event of {event.challenge.id}", f"an event of {challenge.id}"
        raise ProblemError(Problem("C02", found, expected, "name the event's challenge", str(event.path)))
    names = [phase.codename for phase in event.phases]
    if codename is None and len(names) > 1:
        fix = f"name one with --phase: {', '.join(names)}"
        raise ProblemError(Problem("C02", f"{len(names)} phases", "the phase of the truth", fix, str(event.path)))
    phase = next((one for one in event.phases if codename in {None, one.codename}), None)
    if phase is None:
        fix = f"did you mean {near_names(str(codename), names)}?"
        raise ProblemError(Problem("C02", f"--phase {codename}", "a phase of the event", fix, str(event.path)))
    limits = [limit for limit in (phase.total, event.trials) if limit is not None]
    return Terms(
        event.title,
        event.organisers,
        event.contact,
        phase.name,
        phase.begins,
        phase.ends,
        phase.daily,
        min(limits) if limits else most_trials(challenge),
        phase.is_private,
        phase.shows_scores,
        event.counts,
    )


def settle(
    terms: Terms, sent: Sequence[Sent], accepted: Mapping[str, bool]
) -> tuple[tuple[Outcome, ...], Collection[str]]:
    """Decide which trials of a team count.

    A trial that is refused takes nothing from the quota. One whose verdict is not known yet is taken to count.

    Args:
        terms: phase, deadline and quotas.
        sent: the team's trials, in the order of their dates.
        accepted: by hash of a trial, whether it was accepted and scored.

    Returns:
        The outcome of each trial, and the hashes of those that are still to be judged.
    """
    outcomes: list[Outcome] = []
    first: dict[str, Sent] = {}
    in_all = Counter(one.mail for one in sent)
    days: Counter[str] = Counter()
    wanted: dict[str, None] = {}
    for one in sent:
        digest = one.trial.sha256
        day = "" if one.when is None else one.when.strftime("%Y-%m-%d")
        state, problem = _barred(terms, one, in_all[one.mail])
        if problem is None and digest in first:
            earlier = first[digest]
            where = f"the bytes of {earlier.trial.name}" + (
                "" if earlier.when is None else f" of {earlier.when:%Y-%m-%d %H:%M:%S} UTC"
            )
            fix = "nothing is to be done; send another trial where you meant one"
            state, problem = "repeated", Problem("O41", where, "another trial", fix, one.trial.name)
        elif problem is None:
            state, problem = _over(terms, one, days, day)
        if problem is not None:
            outcomes.append(Outcome(one, state, (problem,)))
            continue
        first[digest] = one
        if digest not in accepted:
            wanted[digest] = None
        if accepted.get(digest, True):
            days[day] += 1
        outcomes.append(Outcome(one, "judged"))
    return tuple(outcomes), list(wanted)


def _barred(terms: Terms, one: Sent, in_mail: int) -> tuple[State, Problem | None]:
    """Why a trial does not count, whatever else was sent; None where it may count."""
    if in_mail > MOST_IN_A_MAIL:
        found, expected = f"{in_mail:,} trials in one mail", f"at most {terms.total} trials"
        return "beyond", Problem("Z06", found, expected, "send the trials you trust most", one.trial.name)
    if not one.is_mail:
        return "judged", None
    if one.when is None:
        if terms.begins is None and terms.ends is None and terms.daily is None:
            return "judged", None
        fix = "send the mail again from a program that dates it"
        return "undated", Problem("O38", "no date in the mail", "a date", fix, one.trial.name)
    is_early = terms.begins is not None and one.when < terms.begins
    is_late = terms.ends is not None and one.when > terms.ends
    if not is_early and not is_late:
        return "judged", None
    bound = terms.begins if is_early else terms.ends
    assert bound is not None
    found = f"a mail of {one.when:%Y-%m-%d %H:%M:%S} UTC"
    expected = f"one {'from' if is_early else 'until'} {bound:%Y-%m-%d %H:%M:%S} UTC"
    fix = "send it again in the phase" if is_early else "the deadline has passed; ask the organisers"
    return "outside", Problem("O36", found, expected, fix, one.trial.name)


def _over(terms: Terms, one: Sent, days: Counter[str], day: str) -> tuple[State, Problem | None]:
    """Whether the quota of the team or of the day is used up."""
    if days.total() >= terms.total:
        found, expected = "a further trial", f"at most {terms.total} that count"
        return "beyond", Problem("O37", found, expected, "the trials before it stand", one.trial.name)
    if terms.daily is not None and day and days[day] >= terms.daily:
        found, expected = f"a further trial on {day} (UTC)", f"at most {terms.daily} a day"
        return "beyond", Problem("O37", found, expected, "send it again on another day", one.trial.name)
    return "judged", None
