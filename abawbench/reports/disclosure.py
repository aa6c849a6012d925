"""What a reader needs to judge a prediction: where it comes from, what it was trained on, what was counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from abawbench.challenges import Challenge
from abawbench.challenges.eligibility import forbidden_training
from abawbench.reports.masking import Masking
from abawbench.reports.subject import Subject
from abawbench.table import video_of

Line = tuple[str, str]


def disclosure(challenge: Challenge, subject: Subject, masking: Masking) -> list[Line]:
    """What is known of the origin of a prediction, as names and texts.

    Args:
        challenge: the challenge.
        subject: the prediction.
        masking: names that may not be shown.
    """
    return [(name, masking.text(text)) for name, text in _lines(challenge, subject)]


def _lines(challenge: Challenge, subject: Subject) -> Iterator[Line]:
    yield "prediction", subject.place
    yield "sha256", subject.sha256
    if subject.tuned is not None:
        steps = ", ".join(subject.tuned.steps) or "nothing"
        yield "tuned values", f"{steps}; fitted on {subject.tuned.overlap} of the scored videos"
        yield "sha256 of these", subject.tuned.sha256
    if subject.rows is None:
        yield "entry", "not known: a prediction file does not say what made it, or what that was trained on"
        return
    record, card = subject.rows.store.record, subject.rows.store.card
    yield "entry", f"{card.name}: {card.title}"
    yield "licence", card.licence or "not said"
    if card.paper:
        yield "paper", card.paper
    yield "trained on", ", ".join(card.trained_on) or "nothing named"
    videos = {video_of(name) for name in subject.units}
    seen = {video_of(name) for name in card.trained_videos} & videos
    if seen:
        yield "warning", f"trained on {len(seen)} of the {len(videos)} scored videos"
    for problem in forbidden_training(challenge, card.trained_on):
        yield "eligibility", problem.found + (" (assumed)" if problem.is_note else ": not allowed")
    if card.sees_truth:
        yield "warning", "it reads the truth that it is scored on"
    if card.picture is not None:
        yield "crops", f"{card.picture.size} pixels, {card.picture.colour}, {card.picture.crop or 'any kind'}"
    for network in card.networks:
        named = [str(network[key]) for key in ("kind", "layer", "pooling") if key in network]
        yield f"network {network.get('role', '')}".strip(), ", ".join(named)
    for weights in card.weights:
        origin = weights.source or "source not said"
        yield (
            f"weights {weights.role}",
            f"{weights.file}, sha256 {weights.sha256}, {weights.licence or 'no licence'}, {origin}",
        )
    for note in card.notes:
        yield "note", note
    yield "run", ", ".join(_run(record))
    yield "versions", ", ".join(f"{name} {version}" for name, version in sorted(record["versions"].items()))


def _run(record: object) -> Iterator[str]:
    assert isinstance(record, dict)
    yield f"frames without a crop: {record.get('fill', 'none')}"
    for name in ("seed", "device", "precision"):
        if record.get(name) is not None:
            yield f"{name} {record[name]}"


def inputs(challenge: Challenge, truth: Path, sha256: str, masking: Masking) -> Iterator[Line]:
    """What the score was computed from and by which rules."""
    yield "challenge", f"{challenge.id}: {challenge.title}, {challenge.venue}"
    yield "definition", challenge.fingerprint
    yield "metric", challenge.metric.formula
    yield "truth", masking.text(str(truth))
    yield "sha256", sha256
