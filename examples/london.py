"""The Face Research Lab London Set: a neutral and a smiling picture of each of 102 people, and how answers are judged.

"Smiling" is the recording condition, not a judgement of each picture: some of these faces look neutral. So beside the
accuracy there is the share of the people whose smiling picture ranks above their neutral one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError

# condition in the name of a picture, and the expression that counts as its truth
CONDITIONS = {"neutral": "Neutral", "smiling": "Happiness"}
TRUTH = tuple(CONDITIONS.values())
FOLDS, SEED, RESAMPLES = 5, 0, 10_000


@dataclass(frozen=True, slots=True)
class Result:
    """Result on people, each of whom has two pictures.

    Attributes:
        right: shape (people,), share of the pictures that are predicted correctly.
        ranked: shape (people,), 1 if the smiling picture gets the higher probability of happiness, else 0.
    """

    right: NDArray[np.float64]
    ranked: NDArray[np.float64]

    def describe(self) -> str:
        """Both means, with 95 % intervals over people."""
        return f"accuracy {_share(self.right)}, smiling ranked above neutral {_share(self.ranked)}"


def _share(values: NDArray[np.float64]) -> str:
    """Mean of values by person, shape (people,), with its percentile interval over resampled people."""
    random = np.random.default_rng(0)
    means = values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def people_of(data: Path) -> tuple[str, ...]:
    """The names of the people in the folder of real data, as `london_001`. Raises: ProblemError F01, there is none."""
    people = sorted(path.stem.removesuffix("_neutral") for path in (data / "faces").glob("london_*_neutral.jpg"))
    if not people:
        place = str(data / "faces")
        raise ProblemError(Problem("F01", "no london_*_neutral.jpg", "the London set", "copy it there", place))
    return tuple(people)


def evaluate(
    answers: Mapping[str, NDArray[np.float64]], outputs: Sequence[str], classes: Sequence[str] | None = None
) -> Result:
    """Compare the most probable class of each picture with the truth.

    Args:
        answers: by person, probabilities of the neutral and the smiling picture, shape (2, classes).
        outputs: names of the classes, in the order of the probabilities.
        classes: the classes that may be predicted; by default all.
    """
    allowed = [outputs.index(name) for name in classes or outputs]
    truth = [allowed.index(outputs.index(name)) for name in TRUTH]
    given = np.stack(list(answers.values()))
    right = (given[..., allowed].argmax(axis=2) == truth).mean(axis=1)
    happiness = given[..., outputs.index("Happiness")]
    return Result(right, (happiness[:, 1] > happiness[:, 0]).astype(np.float64))


def folds(people: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Deal people at random into five folds; all examples hold the same people out together."""
    order = np.random.default_rng(SEED).permutation(len(people))
    return tuple(tuple(people[int(place)] for place in part) for part in np.array_split(order, FOLDS))
