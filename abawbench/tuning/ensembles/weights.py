"""Weights of an ensemble: the file that `abawbench ensemble` writes, and the store of the weighted mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from abawbench.base.files import read_input, write_text
from abawbench.base.installed import VERSION
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.run_lock import only_run
from abawbench.base.typed import typed
from abawbench.challenges import Challenge, find
from abawbench.entries.model import Card
from abawbench.entries.outputs import sums_to_one
from abawbench.inference import WEIGHTS
from abawbench.inference.store import FORM as STORE_FORM
from abawbench.inference.store import Predictions, Store, begin_store, check_folder
from abawbench.table import Floats, Mask
from abawbench.tuning.ensembles.members import Members
from abawbench.tuning.ensembles.rank_average import GRID, from_ranks, ranks_of_classes, to_ranks

FORM = 1
Method = Literal["greedy", "simplex", "equal"]
Average = Literal["probability", "rank"]


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member of an ensemble.

    Attributes:
        entry: name of its entry.
        identity: identity of its entry; see `tuned.identity_of`.
        store: key of the store that the weights were fitted on.
        folder: folder of that store.
    """

    entry: str
    identity: str
    store: str
    folder: str


@dataclass(frozen=True, slots=True)
class EnsembleWeights:
    """Weights of the members of an ensemble, with what they were fitted on and what they are worth.

    Attributes:
        challenge: id of the challenge.
        fingerprint: fingerprint of the challenge's definition.
        method: how the weights were found.
        average: what is averaged: probabilities, or ranks; see `rank_average`.
        members: the members.
        weights: by task, a weight for each member, relative to their sum; whole numbers for `greedy` and `equal`.
        quantiles: by task whose ranks need them, quantiles by member and column; empty for probabilities.
        mean_quantiles: for the same tasks, quantiles of the mean rank by column; see `rank_average`.
        truth_sha256: hash of the truth's rows and values; see `tuned.truth_hash`.
        videos: names of the annotated units of the truth.
        report: figures of the ensemble and of the best single member, as `fit.fit_ensemble` returns them.
        abawbench: version of abawbench that fitted them.
    """

    challenge: str
    fingerprint: str
    method: Method
    average: Average
    members: tuple[MemberFacts, ...]
    weights: Mapping[str, tuple[float, ...]]
    quantiles: Mapping[str, list[list[list[float]]]]
    mean_quantiles: Mapping[str, list[list[float]]]
    truth_sha256: str
    videos: tuple[str, ...]
    report: Mapping[str, Any]
    abawbench: str = VERSION

    def share(self, task: str) -> Floats:
        """Share of each member in a task, shape (members,), summing to 1."""
        weights = np.array(self.weights[task], np.float64)
        return weights / weights.sum()

    @property
    def name(self) -> str:
        """Name of the entry: another member, weight or average gives another name, another order does not."""
        members = sorted(
            [member.identity, *(self.weights[task][place] for task in sorted(self.weights))]
            for place, member in enumerate(self.members)
        )
        facts = [members, self.average, dict(self.mean_quantiles)]
        return f"ensemble_{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]}"

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        return {"form": FORM, **asdict(self)}


def read_weights(path: Path, challenge: Challenge | None = None) -> EnsembleWeights:
    """Read the weights of an ensemble, for a challenge if one is named.

    Raises:
        ProblemError: F01 not readable; R03 a field is missing, unknown or wrong, or they are for another challenge.
    """
    from pydantic import ValidationError

    try:
        content = parse_fields(read_input(path))
        form = content.pop("form", None)
        weights = typed(EnsembleWeights)(content)
    except OSError as error:
        raise unreadable(path, error, "a file of weights") from error
    except ValidationError as error:
        raise ProblemError(
            *(
                _wrong(".".join(str(part) for part in fault["loc"][1:]), fault["msg"], path)
                for fault in error.errors(include_url=False)
            )
        ) from error
    except ValueError as error:
        raise ProblemError(_wrong(str(error), f"JSON as in {WEIGHTS}", path)) from error
    problems = [] if form == FORM else [_wrong("form missing or not known", f"form {FORM}", path)]
    own = find(weights.challenge)
    if own is None or (challenge is not None and own.id != challenge.id):
        expected = "a challenge that is known" if challenge is None else f"weights for {challenge.id}"
        problems.append(_wrong(f"weights for {weights.challenge}", expected, path))
    else:
        problems += [_wrong(found, expected, path) for found, expected in _faults(weights, own)]
    if problems:
        raise ProblemError(*problems)
    return weights


def _faults(weights: EnsembleWeights, challenge: Challenge) -> list[tuple[str, str]]:
    """What is found and what is expected, for each task whose weights or quantiles cannot be used."""
    faults: list[tuple[str, str]] = []
    members = len(weights.members)
    for task in challenge.tasks:
        own = np.array(weights.weights.get(task.name, ()), np.float64)
        if own.shape != (members,) or not np.isfinite(own).all() or (own < 0).any() or not own.sum():
            faults.append((f"weights of {task.name}", f"{members} weights of 0 or more, not all 0"))
    for name in sorted(weights.quantiles.keys() | weights.mean_quantiles.keys()):
        width = next((task.width for task in challenge.tasks if task.name == name), 0)
        of_members = _rising(weights.quantiles.get(name), (members, width, len(GRID)))
        if not of_members or not _rising(weights.mean_quantiles.get(name), (width, len(GRID))):
            faults.append((f"quantiles of {name}", f"{len(GRID)} by member and column, none below the one before"))
    return faults


def _rising(quantiles: Any, shape: tuple[int, ...]) -> bool:
    try:
        values = np.array(quantiles, np.float64)
    except ValueError:
        return False
    return values.shape == shape and bool((np.diff(values, axis=-1) >= 0).all())


def _wrong(found: str, expected: str, path: Path) -> Problem:
    return Problem("R03", found, expected, "run `abawbench ensemble` again, or mend the field", str(path))


def in_order(weights: EnsembleWeights, members: Members, file: Path) -> EnsembleWeights:
    """The weights in the order of other stores of the same members.

    Raises:
        ProblemError: P08, a store of an entry that is no member, or a member with a weight without a store.
    """
    place = {member.identity: number for number, member in enumerate(weights.members)}
    problems = [
        Problem(
            "P08",
            f"answers of {store.card.name}",
            f"one of {', '.join(member.entry for member in weights.members)}, with the same weights and code",
            f"name the stores of the members that {file} names",
            str(store.root),
        )
        for store, identity in zip(members.stores, members.identities, strict=True)
        if identity not in place
    ]
    shares = sum(weights.share(task) for task in weights.weights)
    problems += [
        Problem(
            "P08",
            f"no store of {member.entry}, fitted on {member.folder}",
            "a store of every member with a weight",
            "predict with this entry too, and name its store",
            str(file),
        )
        for number, member in enumerate(weights.members)
        if np.asarray(shares)[number] > 0 and member.identity not in members.identities
    ]
    if problems:
        raise ProblemError(*problems)
    order = [place[identity] for identity in members.identities]
    return replace(
        weights,
        members=tuple(weights.members[number] for number in order),
        weights={task: tuple(own[number] for number in order) for task, own in weights.weights.items()},
        quantiles={task: [known[number] for number in order] for task, known in weights.quantiles.items()},
    )


def mean_answers(challenge: Challenge, members: Members, weights: EnsembleWeights) -> dict[str, Floats]:
    """The answers of the ensemble by task, shape (frames, width); NaN where no member answers."""
    result: dict[str, Floats] = {}
    for task in challenge.tasks:
        answers = members.answers[task.name]
        known = np.array(weights.quantiles.get(task.name, ()))
        if known.size:
            answers = to_ranks(answers, known)
        elif weights.average == "rank" and sums_to_one(task):
            answers = ranks_of_classes(answers)
        own = np.array(weights.weights[task.name], np.float64)
        # divided last, so that whole weights of certain answers stay exact
        mean = np.zeros(answers.shape[1:])
        for weight, values in zip(own, answers, strict=True):
            mean += weight * values
        mean /= own.sum()
        if known.size:
            mean = from_ranks(mean, own, known, np.array(weights.mean_quantiles[task.name]))
        result[task.name] = np.clip(mean, *task.span)
    return result


def write_ensemble(challenge: Challenge, members: Members, weights: EnsembleWeights, out: Path) -> Store:
    """Write the store of an ensemble, and its weights beside the units.

    Args:
        challenge: challenge that the members answer.
        members: the members, in the order of the weights.
        weights: the weights.
        out: folder of the store.

    Raises:
        ProblemError: P01 the folder holds another store or something else, F01 it cannot be written, D36 another run
            is at work there.
    """
    card = _card(challenge, members, weights)
    check_folder(out, card.name)
    answers = mean_answers(challenge, members, weights)
    with only_run(out):
        store = begin_store(out, _record(card, members, weights), None)
        begins = np.searchsorted(members.unit, np.arange(len(members.units) + 1))
        for place, name in enumerate(members.units):
            rows = slice(begins[place], begins[place + 1])
            time = members.time[rows]
            predictions = Predictions(
                unit=name,
                frame=members.frame[rows],
                time=None if np.isnan(time).any() else time,
                valid=members.valid[rows],
                filled=members.filled[rows],
                answers={task: _only(values[rows], members.answered[rows]) for task, values in answers.items()},
            )
            store.write(predictions, _digest(members, name))
        write_text(out / WEIGHTS, json.dumps(weights.to_json(), indent=1, allow_nan=False) + "\n")
    return store


def _only(values: Floats, answered: Mask) -> Floats:
    return np.where(answered[:, None], values, np.nan)


def _digest(members: Members, unit: str) -> str:
    """Hash of the files that a unit was made from."""
    facts = [store.facts(unit) for store in members.stores]
    return hashlib.sha256(" ".join("-" if one is None else one.parquet for one in facts).encode()).hexdigest()


def _record(card: Card, members: Members, weights: EnsembleWeights) -> dict[str, Any]:
    return {
        "form": STORE_FORM,
        "card": card.to_json(),
        "seed": None,
        "source": {},
        "device": "cpu",
        "versions": {"abawbench": VERSION},
        "fill": "none",
        "ensemble": {
            "average": weights.average,
            "method": weights.method,
            "members": [
                {**asdict(member), "store": store.key}
                for member, store in zip(weights.members, members.stores, strict=True)
            ],
            "weights": {task: list(own) for task, own in weights.weights.items()},
        },
    }


def _card(challenge: Challenge, members: Members, weights: EnsembleWeights) -> Card:
    """The card of the ensemble: what its members are, and that its weights were fitted on labels.

    The order of the stores changes nothing, or values that were tuned on the ensemble would not fit it elsewhere.
    """
    order = sorted(range(len(members.stores)), key=lambda place: members.identities[place])
    cards = [members.stores[place].card for place in order]
    shares = [
        f"{card.name}: "
        + ", ".join(f"{weights.share(task.name)[place]:.3f} of {task.name}" for task in challenge.tasks)
        for place, card in zip(order, cards, strict=True)
    ]
    fitted = f"its weights ({weights.method}) were fitted on the labels of {len(weights.videos)} units of the truth"
    chosen = [] if weights.method == "equal" else [f"{fitted} with sha256 {weights.truth_sha256[:16]}"]
    return Card(
        name=weights.name,
        title=f"Mean of {len(cards)} entries",
        tasks=challenge.tasks,
        picture=None,
        trained_on=_united(card.trained_on for card in cards),
        trained_videos=_united(card.trained_videos for card in cards),
        sees_truth=any(card.sees_truth for card in cards),
        licence=" and ".join(_united((card.licence,) for card in cards if card.licence)),
        notes=(f"weighted mean of {'ranks' if weights.average == 'rank' else 'answers'}", *shares, *chosen),
        weights=tuple(replace(one, role=f"{card.name}: {one.role}") for card in cards for one in card.weights),
    )


def _united(parts: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))
