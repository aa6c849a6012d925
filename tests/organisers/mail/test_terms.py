"""Quotas and deadlines: by the dates of the mails, and never by the order in which they are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.organisers.mail.account import Mail, Opened, settle_accounts
from abawbench.organisers.mail.roster import Team
from abawbench.organisers.mail.terms import MOST_IN_A_MAIL, Sent, Terms, settle, terms_of
from abawbench.organisers.mail.trials import Trial
from abawbench.organisers.mail.verdicts import Verdict
from tests.organisers.mail.mails import AH

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
TERMS = Terms("Title", "", None, "", None, None, None, 5, True, False, "best")


def sent(content: str, hours: float | None = 0.0, mail: str | None = None, *, is_mail: bool = True) -> Sent:
    when = None if hours is None else NOON + timedelta(hours=hours)
    return Sent(mail or f"{content}{hours}", when, is_mail, Trial(f"{content}.txt", content, 1, 1))


def states(terms: Terms, *trials: Sent, refused: str = "") -> list[str]:
    accepted = {one.trial.sha256: one.trial.sha256 not in refused for one in trials}
    return [one.state for one in settle(terms, trials, accepted)[0]]


def rules(terms: Terms, *trials: Sent) -> list[str]:
    return [problem.rule for one in settle(terms, trials, {})[0] for problem in one.problems]


def test_trials_beyond_the_quota_are_not_judged() -> None:
    terms = replace(TERMS, total=2)
    assert states(terms, *map(sent, "abc")) == ["judged", "judged", "beyond"]
    assert rules(terms, *map(sent, "abc")) == ["O37"]


def test_a_refused_trial_takes_nothing_from_the_quota() -> None:
    assert states(replace(TERMS, total=1), *map(sent, "abc"), refused="a") == ["judged", "judged", "beyond"]


def test_the_same_bytes_count_once() -> None:
    assert states(replace(TERMS, total=2), *map(sent, "aab")) == ["judged", "repeated", "judged"]


def test_the_quota_of_a_day_is_that_of_utc() -> None:
    terms = replace(TERMS, daily=1)
    assert states(terms, sent("a", 0), sent("b", 11.9), sent("c", 12.0)) == ["judged", "beyond", "judged"]


def test_the_last_second_counts_and_the_next_does_not() -> None:
    terms = replace(TERMS, begins=NOON, ends=NOON + timedelta(hours=1))
    late, early = sent("b", 1 + 1 / 3600), sent("c", -1 / 3600)
    assert states(terms, early, sent("a", 0), sent("d", 1), late) == ["outside", "judged", "judged", "outside"]
    assert rules(terms, early, late) == ["O36", "O36"]


def test_a_trial_outside_the_phase_takes_nothing_from_the_quota() -> None:
    terms = replace(TERMS, begins=NOON, total=1)
    assert states(terms, sent("a", -1), sent("a", 1)) == ["outside", "judged"]


def test_a_mail_without_a_date_counts_where_no_deadline_holds() -> None:
    assert states(TERMS, sent("a", None)) == ["judged"]
    assert rules(replace(TERMS, ends=NOON), sent("a", None)) == ["O38"]
    assert rules(replace(TERMS, daily=1), sent("a", None)) == ["O38"]


def test_a_file_without_its_mail_is_held_against_no_deadline() -> None:
    assert states(replace(TERMS, ends=NOON, daily=1), sent("a", None, is_mail=False)) == ["judged"]


def test_very_many_trials_in_one_mail_are_a_mistake() -> None:
    many = [sent(str(number), mail="one") for number in range(MOST_IN_A_MAIL + 1)]
    assert set(rules(TERMS, *many)) == {"Z06"}


def test_only_trials_that_may_count_are_wanted() -> None:
    _, wanted = settle(replace(TERMS, total=2), [*map(sent, "aabcd")], {"a": False})
    assert list(wanted) == ["b", "c"]


def test_without_an_event_nothing_is_told() -> None:
    terms = terms_of(AH)
    assert (terms.total, terms.is_private, terms.shows_scores) == (5, True, False)
    with pytest.raises(ProblemError, match="C02"):
        terms_of(AH, None, "final")


MOMENTS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60)), min_size=1, max_size=14)


@given(MOMENTS, st.randoms(use_true_random=False), st.integers(1, 4), st.integers(1, 2))
def test_the_order_of_arrival_never_matters(items: list[tuple[str, int]], chance, total: int, daily: int) -> None:
    terms = replace(TERMS, total=total, daily=daily, ends=NOON + timedelta(hours=50))
    mails = [
        Mail(
            f"{number}.eml",
            True,
            Opened(
                f"{number:02d}{content}{hours}",
                "a@b.org",
                "",
                None,
                NOON + timedelta(hours=hours),
                None,
                (),
                (Trial("t.txt", content, 1, 1),),
                (),
            ),
        )
        for number, (content, hours) in enumerate(items)
    ]
    judged: list[str] = []

    def judge(trials):
        judged.extend(trials)
        return {one: Verdict(one, (), (), None if one in "ab" else {"score": 0.5}) for one in trials}

    (one,) = settle_accounts(terms, [(Team("Blue", (), ()), mails)], judge)
    assert len(judged) == len(set(judged))
    accepted = [outcome.sent for outcome, _ in one.accepted]
    assert len(accepted) <= total
    days = [sent.when.date() for sent in accepted if sent.when is not None]
    assert max(map(days.count, days), default=0) <= daily
    shuffled = list(mails)
    chance.shuffle(shuffled)
    (other,) = settle_accounts(terms, [(Team("Blue", (), ()), shuffled)], judge)
    assert other.outcomes == one.outcomes
