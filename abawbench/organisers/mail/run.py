"""The mail room as a whole: an inbox in; a board, replies and a journal out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abawbench.base.files import check_output, make_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.run_lock import only_run
from abawbench.challenges import Challenge
from abawbench.formats.lists import read_list
from abawbench.organisers.mail.account import Account, Mail, said, settle_accounts
from abawbench.organisers.mail.board import Board, make_board
from abawbench.organisers.mail.board_files import board_files, csv_text
from abawbench.organisers.mail.certificates import certificates
from abawbench.organisers.mail.inbox import deliveries
from abawbench.organisers.mail.replies import Reply, next_reply
from abawbench.organisers.mail.room import (
    JOURNAL,
    Answers,
    as_json,
    enter,
    opened,
    read_answers,
    require_room,
    subject_of,
    write_answers,
    write_changed,
)
from abawbench.organisers.mail.roster import Roster, Team, read_roster
from abawbench.organisers.mail.senders import mixed_folders, whose
from abawbench.organisers.mail.terms import Terms, terms_of
from abawbench.organisers.mail.verdicts import Judging
from abawbench.organisers.mail.web_board import web_board
from abawbench.table import Table

# what a run tells: the work at hand, and how much of it is done
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Inputs:
    """The inputs of a run.

    Attributes:
        inbox: folder of mails, zips and files.
        challenge: the challenge.
        truth: path of the annotations.
        template: path of the organisers' list.
        roster: the teams; None where folders and addresses stand for them.
        terms: phase, deadline and quotas.
        split: split of the truth; empty where nothing says it.
    """

    inbox: Path
    challenge: Challenge
    truth: Path
    template: Path | None
    roster: Roster | None
    terms: Terms
    split: str = ""


@dataclass(frozen=True)
class Outputs:
    """What a run made.

    Attributes:
        board: the board.
        accounts: the account of each team, by name.
        unknown: mails of unknown teams, each with the reason.
        problems: what the organisers must look at: unknown teams, files that cannot be read; and notes.
        replies: replies of this run, by team.
        written: files that are new or changed.
    """

    board: Board
    accounts: tuple[Account, ...]
    unknown: tuple[tuple[Mail, Problem], ...]
    problems: tuple[Problem, ...]
    replies: Mapping[str, Reply]
    written: tuple[Path, ...]

    @property
    def questions(self) -> tuple[Mail, ...]:
        """Mails without a prediction that this run answers: a person should read them."""
        return tuple(
            mail
            for account in self.accounts
            if (reply := self.replies.get(account.team.name)) is not None
            for mail in account.mails
            if mail.opened.key in reply.answers and any(problem.rule == "O35" for problem in mail.problems)
        )


def inputs_of(
    challenge: Challenge,
    truth: Path,
    inbox: Path,
    out: Path,
    template: Path | None = None,
    roster: Path | None = None,
    event: Path | None = None,
    *,
    phase: str | None = None,
) -> Inputs:
    """Read roster and event, and check the places of all files; `abawbench.mailroom` says what each is.

    Raises:
        ProblemError: every problem of roster or event, C02 for a phase that is not clear, and as `require_places`.
    """
    known = None
    if event is not None:
        from abawbench.organisers.events.event import read_event

        known = read_event(event)
    teams = None if roster is None else read_roster(roster)
    terms = terms_of(challenge, known, phase)
    phases = () if known is None else known.phases
    split = next((one.split for one in phases if phase in {None, one.codename}), "")
    inputs = Inputs(inbox, challenge, truth, template, teams, terms, split)
    require_places(out, inputs)
    return inputs


def require_places(out: Path, inputs: Inputs) -> None:
    """Check that what a run writes destroys nothing. Raises: ProblemError F01, F12, C02."""
    if not inputs.inbox.is_dir():
        fix = "name the folder in which mails and zips lie"
        raise ProblemError(Problem("F01", "no folder", "the folder of the inbox", fix, str(inputs.inbox)))
    check_output(out, inputs.truth, inputs.template)
    place, inbox = out.resolve(), inputs.inbox.resolve()
    if place == inbox or place in inbox.parents or inbox in place.parents:
        found = "the inbox and the mail room in one another"
        raise ProblemError(Problem("F12", found, "two folders side by side", "name another folder", str(out)))
    require_room(out)


def run_mailroom(
    inputs: Inputs,
    truth: Table,
    out: Path,
    *,
    workers: int | None = None,
    address: str | None = None,
    is_anew: bool = False,
    is_final: bool = False,
    told: Told = lambda *_: None,
) -> Outputs:
    """Read an inbox, judge what is new, and bring board, replies and journal up to date.

    A run that was stopped is taken up where it was; the same inbox gives the same bytes, in whatever order it arrived.

    Args:
        inputs: the inputs.
        truth: the annotations.
        out: folder of the mail room.
        workers: number of processes; one for each core by default.
        address: address of a Ray cluster; None for this machine alone.
        is_anew: True to judge everything again, where truth, list or definition have changed.
        is_final: True to write a certificate of each team.
        told: called with the work at hand and the numbers done and in all.

    Raises:
        ProblemError: F01, F12 and C02 for places that do not fit; D36 another run is at work there; O39 the room is of
            another truth, list or challenge; O40 its files cannot be read. What is wrong with a mail is no error.
    """
    require_places(out, inputs)
    if inputs.template is not None:
        # a wrong list would refuse every trial
        read_list(inputs.challenge, inputs.template)
    make_folder(out)
    with only_run(out):
        enter(out, subject_of(inputs.challenge, inputs.truth, inputs.template), is_anew=is_anew)
        found, problems = deliveries(inputs.challenge, inputs.inbox)
        known: list[tuple[Team, Mail]] = []
        unknown: list[tuple[Mail, Problem]] = []
        broken: list[Problem] = []
        for number, one in enumerate(found):
            told("mails", number, len(found))
            try:
                mail = Mail(one.place, one.kind == "mail", opened(inputs.challenge, one, out))
            except ProblemError as error:
                broken += error.problems
                continue
            team = whose(mail, one, inputs.roster)
            if isinstance(team, Problem):
                unknown.append((mail, team))
            else:
                known.append((team, mail))
        told("mails", len(found), len(found))
        judging = Judging(inputs.challenge, truth, inputs.truth, inputs.template, out, workers=workers, address=address)
        accounts = settle_accounts(
            inputs.terms,
            _by_team(known),
            lambda trials: judging.judge(trials, lambda done, of: told("trials", done, of)),
        )
        told("board", 0, 1)
        board = make_board(inputs.challenge, inputs.terms, accounts, judging.statistics)
        told("board", 1, 1)
        answers, new = _answered(inputs, accounts, read_answers(out))
        files = {out / name: data for name, data in board_files(board)}
        files |= {out / "leaderboard" / "published" / name: data for name, data in web_board(board, inputs.split)}
        if is_final:
            files |= {out / "certificates" / name: data for name, data in certificates(board)}
        files[out / "unknown.csv"] = _unknown_list(unknown)
        files[out / JOURNAL] = as_json(_journal(inputs, accounts, unknown, answers))
        written = [*write_answers(out, answers, inputs.terms.contact), *write_changed(files)]
        notes = mixed_folders(known) if inputs.roster is None else ()
        found_problems = [*problems, *broken, *(problem for _, problem in unknown), *_failures(accounts)]
        found_problems += [*notes, *_shared(accounts), *_dates(accounts)]
        return Outputs(board, accounts, tuple(unknown), tuple(found_problems), new, tuple(written))


def _by_team(mails: Sequence[tuple[Team, Mail]]) -> list[tuple[Team, list[Mail]]]:
    """Mails by team, in the order of the teams' names."""
    teams: dict[str, tuple[Team, list[Mail]]] = {}
    for team, mail in mails:
        teams.setdefault(team.name, (team, []))[1].append(mail)
    return [teams[name] for name in sorted(teams)]


def _answered(inputs: Inputs, accounts: Sequence[Account], before: Answers) -> tuple[Answers, dict[str, Reply]]:
    """Every reply so far with the new ones, and the new ones by team."""
    teams = dict(before.teams)
    new: dict[str, Reply] = {}
    for account in accounts:
        earlier = teams.get(account.team.name, ())
        reply = next_reply(inputs.challenge, inputs.terms, account, earlier)
        if reply is not None:
            teams[account.team.name] = (*earlier, reply)
            new[account.team.name] = reply
    return Answers({name: teams[name] for name in sorted(teams)}), new


def _failures(accounts: Sequence[Account]) -> list[Problem]:
    """The problems of trials at which the scorer failed."""
    return [
        problem
        for account in accounts
        for outcome in account.outcomes
        if (verdict := account.verdicts.get(outcome.sent.trial.sha256)) is not None and verdict.is_failure
        for problem in verdict.named(f"{account.team.name}: {outcome.sent.trial.name}", is_private=False)
    ]


def _dates(accounts: Sequence[Account]) -> list[Problem]:
    """A note for each mail whose two dates differ."""
    problems = [problem for account in accounts for mail in account.mails for problem in mail.problems]
    return [problem for problem in problems if problem.rule == "N81"]


def _shared(accounts: Sequence[Account]) -> list[Problem]:
    """A note for each trial whose bytes several teams sent."""
    owners: dict[str, dict[str, str]] = {}
    for account in accounts:
        for outcome in account.outcomes:
            trial = outcome.sent.trial
            owners.setdefault(trial.sha256, {})[account.team.name] = trial.name
    fix = "ask the teams, unless it is a sample that everybody has"
    shared = {digest: sorted(teams.items()) for digest, teams in sorted(owners.items()) if len(teams) > 1}
    return [
        Problem(
            "N20",
            f"the same bytes from {', '.join(f'{team} ({name})' for team, name in teams)}",
            "trials that differ",
            fix,
            f"sha256 {digest[:16]}",
        )
        for digest, teams in shared.items()
    ]


def _unknown_list(unknown: Sequence[tuple[Mail, Problem]]) -> bytes:
    rows = [
        [mail.place, mail.opened.sender, mail.opened.subject, said(mail.when), problem.found, problem.fix]
        for mail, problem in sorted(unknown, key=lambda pair: pair[0].order)
    ]
    return csv_text(("place", "sender", "subject", "date", "why", "what to do"), rows).encode()


def _journal(
    inputs: Inputs, accounts: Sequence[Account], unknown: Sequence[tuple[Mail, Problem]], answers: Answers
) -> dict[str, Any]:
    """What came, what was found, and what was answered."""
    return {
        "schema": 1,
        "challenge": inputs.challenge.id,
        "fingerprint": inputs.challenge.fingerprint,
        "teams": [
            {
                "team": account.team.name,
                "mails": [_mail(account, mail) for mail in account.mails],
                "replies": [
                    {"number": reply.number, "to": list(reply.to), "answers": list(reply.answers)}
                    for reply in answers.teams.get(account.team.name, ())
                ],
            }
            for account in accounts
        ],
        "unknown": [
            {"place": mail.place, "sha256": mail.opened.key, "problem": problem.to_json()}
            for mail, problem in sorted(unknown, key=lambda pair: pair[0].order)
        ],
    }


def _mail(account: Account, mail: Mail) -> dict[str, Any]:
    opened_mail = mail.opened
    counts = None if mail.when is None else "received" if opened_mail.received is not None else "sent"
    return {
        "place": mail.place,
        "sha256": opened_mail.key,
        "sender": opened_mail.sender,
        "subject": opened_mail.subject,
        "message_id": opened_mail.message_id,
        "sent": None if opened_mail.sent is None else said(opened_mail.sent),
        "received": None if opened_mail.received is None else said(opened_mail.received),
        "counts": counts,
        "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in opened_mail.files],
        "problems": [problem.to_json() for problem in mail.problems],
        "trials": [_trial(account, outcome) for outcome in account.of_mail(mail)],
    }


def _trial(account: Account, outcome: Any) -> dict[str, Any]:
    trial = outcome.sent.trial
    verdict = account.verdicts.get(trial.sha256) if outcome.state == "judged" else None
    problems = outcome.problems if verdict is None else verdict.named(trial.name, is_private=False)
    state = outcome.state if verdict is None else "scored" if verdict.is_accepted else "refused"
    return {
        "name": trial.name,
        "sha256": trial.sha256,
        "files": trial.files,
        "size": trial.size,
        "state": state,
        "score": None if verdict is None or verdict.score is None else verdict.score["score"],
        "problems": [problem.to_json() for problem in problems],
    }
