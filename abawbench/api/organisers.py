"""The public functions for organisers."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from abawbench.api import read_table
from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.challenges import get
from abawbench.fill import MOST_FILLED, Policy
from abawbench.scoring.intervals import RESAMPLES, Resampling

if TYPE_CHECKING:
    from abawbench.api import Source
    from abawbench.organisers.batch import Ranking
    from abawbench.organisers.batch.many import Engine
    from abawbench.organisers.bundles import Bundle
    from abawbench.organisers.mail.run import Outputs
    from abawbench.organisers.rehearsal import Rehearsal

    Paths = str | Path | Mapping[str, str | Path]


def bundle(
    platform: str,
    event: str | Path,
    truth: Paths,
    folder: str | Path,
    *,
    template: Paths | None = None,
    made: date | None = None,
) -> Bundle:
    """Make everything that a hosted platform asks for; the same inputs and date give the same bytes.

    Args:
        platform: codabench, evalai or kaggle.
        event: the event file.
        truth: path of the truth of every phase, or paths by the codename of the phase.
        folder: a new folder, or that of an earlier bundle that nobody has changed.
        template: path of the organisers' list of every phase, or paths by the codename of the phase; None, or no path
            for a public phase, takes the rows of the truth.
        made: date of the making; today by default.

    Raises:
        ProblemError: every problem of the event, the truths and the lists, or of the folder; nothing is written then.
    """
    from abawbench.organisers.bundles import PLATFORMS
    from abawbench.organisers.events.event import read_event

    if platform not in PLATFORMS:
        found, expected = f"platform '{platform}'", near_names(platform, PLATFORMS)
        raise ProblemError(Problem("C02", found, expected, "name a platform"))
    known = read_event(Path(event))
    names = [phase.codename for phase in known.phases]

    def paths(given: Paths | None) -> dict[str, Path]:
        if given is None:
            return {}
        if isinstance(given, str | Path):
            return dict.fromkeys(names, Path(given))
        return {name: Path(path) for name, path in given.items()}

    maker = importlib.import_module(f"abawbench.organisers.bundles.{platform}")
    day = (made or datetime.now(UTC).date()).isoformat()
    return maker.make(known, paths(truth), paths(template), Path(folder), day)


def rehearse(
    bundle: str | Path,
    submissions: Sequence[str | Path] = (),
    *,
    profiles: Sequence[str] = ("platform",),
    challenge: str | Path | None = None,
    phase: str | None = None,
    python: str | None = None,
    time_s: float = 600.0,
    memory_mib: int = 4096,
    workers: int | None = None,
) -> Rehearsal:
    """Run submissions through the program of a bundle as its platform does; without any, a good one and planted faults.

    Args:
        bundle: folder of a bundle, or the zip to upload.
        submissions: files, folders and zips as participants send them.
        profiles: names of conditions, each alone or several joined by `+`; `all` for every one.
        challenge: id or path of the challenge; by default that which the bundle names.
        phase: codename of the one phase to run.
        python: path of the interpreter that runs the program; by default this one.
        time_s: seconds that a run may take.
        memory_mib: MiB of memory that a process may take.
        workers: number of runs at a time; by default that of the cores.

    Returns:
        What is wrong with the bundle, and what became of each submission.

    Raises:
        ProblemError: the bundle or a submission cannot be read; O20, it is no bundle; C02, a name is unknown.
    """
    from abawbench.organisers.rehearsal import open_bundle, read_profiles, read_sent
    from abawbench.organisers.rehearsal import rehearse as run
    from abawbench.organisers.rehearsal.interpreters import ask
    from abawbench.organisers.rehearsal.sandbox import Limits

    opened = open_bundle(Path(bundle))
    return run(
        opened,
        [read_sent(Path(path), opened.platform) for path in submissions],
        profiles=read_profiles(profiles),
        challenge=None if challenge is None else get(challenge),
        phase=phase,
        limits=Limits(time_s, memory_mib << 20),
        interpreter=None if python is None else ask(python),
        workers=workers,
    )


def new_challenge(identifier: str, like: str | Path, folder: str | Path = "challenges") -> Path:
    """Write the file of a challenge of your own, which is another one but for its id; every function takes its path.

    Args:
        identifier: its id; one such as `abaw12-va` is that of an edition.
        like: id or path of the challenge to copy.
        folder: folder of the file; in `challenges/` it is found by its id, too.

    Returns:
        The file.

    Raises:
        ProblemError: C07, the id; F12, the file is there already; and the problems of `like`.
    """
    from abawbench.challenges.own import write_new

    path, _ = write_new(identifier, get(like), Path(folder))
    return path


def participant_pages(challenge: str, event: str | Path | None = None) -> Mapping[str, str]:
    """Make the documentation for participants, as Markdown by the name of the page.

    Args:
        challenge: id of the challenge, or path of one's own.
        event: the event file, for dates, limits and texts; None to describe the challenge alone.

    Raises:
        ProblemError: C01 unknown challenge, O07 the event is of another one, and every problem of the event.
    """
    from abawbench.organisers.bundles.inputs import require_challenge
    from abawbench.organisers.events.event import read_event
    from abawbench.organisers.participants import pages

    known = get(challenge)
    if event is None:
        return pages(known)
    found = read_event(Path(event))
    require_challenge(found, known)
    return pages(known, found)


def score_batch(
    challenge: str,
    truth: Source,
    folder: str | Path,
    *,
    template: str | Path | None = None,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
    split: str | None = None,
    workers: int | None = None,
    engine: Engine = "local",
    address: str | None = None,
) -> Ranking:
    """Score every prediction below a folder, each exactly as `score` does, and rank them.

    Args:
        challenge: id of the challenge, as `abaw4-mtl`.
        truth: annotations: a file, a folder or a DataFrame.
        folder: folder of predictions: files, folders of files of units, zips of trials.
        template: the organisers' list. If it is given, what `check` refuses is not scored.
        missing: fill policy for annotated rows that have no prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resamples: number of bootstrap resamples; 0 for jackknife intervals alone, which takes half the time.
        seed: seed of the resampling.
        subjects: subject of each video; with it the intervals resample subjects instead of videos.
        split: split of the truth; by default the one that fits, or all.
        workers: number of processes; by default one for each core, or one alone for a few predictions.
        engine: `ray` for the workers of a Ray cluster that see the same folders.
        address: address of the cluster; by default one is started here.

    Returns:
        The scored predictions, the best first, and those that were refused, with their problems.

    Raises:
        ProblemError: every problem of the truth and of the list; O50 the folder holds no prediction, O51 it is itself
            one prediction. What is wrong with one of the predictions is not raised.
    """
    from abawbench.organisers.batch import score_folder

    rules = get(challenge)
    return score_folder(
        rules,
        read_table(rules, truth, "truth"),
        Path(folder),
        apart=[Path(truth)] if isinstance(truth, str | Path) else [],
        template=None if template is None else Path(template),
        missing=missing,
        allow_filled=allow_filled,
        resampling=Resampling(resamples, seed, subjects),
        split=split,
        workers=workers,
        engine=engine,
        address=address,
    )


def mailroom(
    challenge: str,
    truth: str | Path,
    inbox: str | Path,
    out: str | Path,
    *,
    template: str | Path | None = None,
    roster: str | Path | None = None,
    event: str | Path | None = None,
    phase: str | None = None,
    is_final: bool = False,
    is_anew: bool = False,
    workers: int | None = None,
    engine: Engine = "local",
    address: str = "local",
) -> Outputs:
    """Judge mailed submissions, and bring a board, a reply for each team and a journal up to date.

    Args:
        challenge: id of the challenge, as `abaw11-ah`.
        truth: path of the annotations.
        inbox: folder of mails (.eml), zips and files, which stays as it is.
        out: folder of the mail room, new or of an earlier run, whose work is taken up.
        template: the organisers' list of what to predict.
        roster: CSV of the teams with the columns team, address and, if wanted, aliases.
        event: event file with phases, deadlines and quotas.
        phase: codename of the phase of the truth, where the event has several.
        is_final: True to write a certificate for each team, too.
        is_anew: True to judge every trial again, where the truth, the list or the challenge's definition have changed.
        workers: number of processes; one for each core by default.
        engine: `ray` for the workers of a Ray cluster that see the same folders.
        address: address of the cluster; `local` starts one here.

    Returns:
        The board, the account of each team, and what the organisers must look at. What is wrong with a submission
        is told in the reply to its team and is not raised.

    Raises:
        ProblemError: every problem of the truth, the list, the roster and the event; of the folders; O39, the mail room
            is of another truth, list or challenge.
    """
    from abawbench.organisers.mail.run import inputs_of, run_mailroom

    rules = get(challenge)
    paths = [None if path is None else Path(path) for path in (template, roster, event)]
    inputs = inputs_of(rules, Path(truth), Path(inbox), Path(out), *paths, phase=phase)
    return run_mailroom(
        inputs,
        read_table(rules, truth, "truth"),
        Path(out),
        workers=workers,
        address=address if engine == "ray" else None,
        is_anew=is_anew,
        is_final=is_final,
    )


def freeze(challenge: str, out: str | Path | None = None, made: date | None = None) -> Path:
    """Write a program that checks and scores predictions of one challenge with NumPy alone.

    Args:
        challenge: id of the challenge, as `abaw4-mtl`.
        out: the file to write, or a folder for one of the usual name, as `score_abaw4_mtl.py`; by default the current
            folder.
        made: date that the file bears, today by default; the same date gives the same bytes.

    Returns:
        The file.

    Raises:
        ProblemError: C01, the challenge is unknown; F12, the file would take the place of something else; F01, it
            cannot be written.
    """
    from abawbench.base.files import check_output, write_text
    from abawbench.organisers.frozen import default_name, frozen_scorer

    record = get(challenge)
    place = scorer_path(Path() if out is None else Path(out), default_name(record))
    check_output(place)
    write_text(place, frozen_scorer(record, (made or datetime.now(UTC).date()).isoformat()))
    return place


def scorer_path(out: Path, name: str) -> Path:
    """The file that `out` means: itself, or one of this name in the folder `out`."""
    return out / name if out.is_dir() else out
