"""The judges: networks of expression and of identity, trained on drawn people whom no generator has met, and frozen.

    python -m benchmarks.claims.synthesis.judges --out out/claims/synthesis

trains them, keeps them in that folder, and prints what they say about faces that no generator has touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from abawbench.base.files import make_folder, temporary_name
from abawbench.cli.output import print_table, say
from abawbench.entries.baselines.classical import hog
from abawbench.labels import EXPRESSIONS_7
from abawbench.synthetic.settings import CORPUS_VERSION
from benchmarks.claims.synthesis.people import (
    EXPRESSION_SEED,
    IDENTITY_SEED,
    Pictures,
    Places,
    Questions,
    draw_people,
    make_questions,
)

Marks = NDArray[np.bool_]

WIDTHS = (24, 48, 96, 96)
EMBEDDING = 64
BATCH = 32
# cosine logits of the identity network are multiplied by this (assumed: a usual value for a few hundred people)
COSINE_SCALE = 16.0
HOG_CELL = 8


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """How the judges are trained.

    Attributes:
        people: drawn people for each judge.
        expression_epochs: passes over the pictures for the network of expressions.
        identity_epochs: likewise for the network of identity.
    """

    people: int = 300
    expression_epochs: int = 12
    identity_epochs: int = 10


class Trunk(nn.Sequential):
    """Four convolutions with batch normalisation and pooling, to a vector.

    Args:
        outputs: length of the vector.
    """

    def __init__(self, outputs: int) -> None:
        first, second, third, fourth = WIDTHS
        super().__init__(
            *self._stage(3, first, stride=2),
            *self._stage(first, second),
            nn.MaxPool2d(2),
            *self._stage(second, third),
            nn.MaxPool2d(2),
            *self._stage(third, fourth),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(fourth * 16, outputs),
        )

    @staticmethod
    def _stage(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
        return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


@dataclass(frozen=True, eq=False)
class Judges:
    """Frozen networks, and a second, quite different judge of expressions that no gradient has seen.

    Attributes:
        expression: network from pictures to logits of `EXPRESSIONS_7`.
        identity: network from pictures to embeddings, which are compared by their cosine.
        weight: multinomial regression on histograms of oriented gradients, shape (features, 7).
        bias: its intercepts, shape (7,).
    """

    expression: nn.Module
    identity: nn.Module
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def expressions(self, pictures: Pictures) -> Places:
        """The expression of each picture by the network, index into `EXPRESSIONS_7`, shape (pictures,)."""
        return _forward(self.expression, pictures).argmax(axis=1)

    def expressions_by_hog(self, pictures: Pictures) -> Places:
        """The expression of each picture by the regression on gradients, shape (pictures,)."""
        return (hog(pictures, cell=HOG_CELL) @ self.weight + self.bias).argmax(axis=1)

    def nearest(self, pictures: Pictures, gallery: Pictures) -> Places:
        """The place in the gallery of the face most like each picture, shape (pictures,)."""
        return (_unit(_forward(self.identity, pictures)) @ _unit(_forward(self.identity, gallery)).T).argmax(axis=1)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the judges say about one picture for each question, shape (questions,) each.

    Attributes:
        expression: True where the network finds the expression that was asked for.
        by_hog: likewise for the regression on gradients.
        person: True where the nearest of the test's people, each with a neutral face from another frame of the same
            film, is the person of the question.
        elsewhere: likewise, where the neutral faces come from another film, in another light and place.
    """

    expression: Marks
    by_hog: Marks
    person: Marks
    elsewhere: Marks

    def shares(self) -> dict[str, float]:
        """Mean of each mark, and of `expression` and `person` together."""
        marks = {name: getattr(self, name) for name in ("expression", "by_hog", "person", "elsewhere")}
        return {name: float(one.mean()) for name, one in (marks | {"both": self.expression & self.person}).items()}


def judge(judges: Judges, questions: Questions, pictures: Pictures) -> Verdict:
    """Judge the answers of a generator.

    Args:
        judges: the frozen judges.
        questions: the questions.
        pictures: one answer for each question, RGB, uint8, shape (questions, size, size, 3).
    """
    neutral = EXPRESSIONS_7.index("Neutral")
    return Verdict(
        expression=judges.expressions(pictures) == questions.target,
        by_hog=judges.expressions_by_hog(pictures) == questions.target,
        person=judges.nearest(pictures, questions.pictures[:, 0, neutral, 1]) == questions.person,
        elsewhere=judges.nearest(pictures, questions.pictures[:, 1, neutral, 1]) == questions.person,
    )


def controls(judges: Judges, questions: Questions) -> dict[str, Verdict]:
    """Verdicts on pictures that no generator has made: the face as given, the true target, and another person."""
    return {
        "the face as it was given": judge(judges, questions, questions.faces),
        "the same person, drawn in the target": judge(judges, questions, questions.real_targets),
        "another person, drawn in the target": judge(judges, questions, questions.of_others),
    }


def load_judges(out: Path, settings: JudgeSettings = JudgeSettings()) -> Judges:
    """The judges in a folder; they are trained where the folder lacks them.

    Args:
        out: folder that keeps them, in one file for each size of training and version of drawn faces.
        settings: how they are trained.
    """
    facts = (CORPUS_VERSION, settings.people, settings.expression_epochs, settings.identity_epochs)
    path = out / f"judges.{'.'.join(map(str, facts))}.pt"
    if not path.exists():
        make_folder(out)
        made = _train(settings)
        unfinished = temporary_name(path)
        torch.save(made, unfinished)
        unfinished.replace(path)
    state = torch.load(path, weights_only=True)
    expression, identity = Trunk(len(EXPRESSIONS_7)), Trunk(EMBEDDING)
    expression.load_state_dict(state["expression"])
    identity.load_state_dict(state["identity"])
    for network in (expression, identity):
        network.eval().requires_grad_(False)
    return Judges(expression, identity, state["weight"].numpy(), state["bias"].numpy())


def _train(settings: JudgeSettings) -> dict[str, Any]:
    from sklearn.linear_model import LogisticRegression

    torch.manual_seed(0)
    say(f"drawing {settings.people} people for the judges of expression")
    faces = draw_people(EXPRESSION_SEED, settings.people)
    side = faces.shape[-2]
    expression = np.broadcast_to(np.arange(len(EXPRESSIONS_7))[:, None], faces.shape[:4]).ravel()
    faces = faces.reshape(-1, side, side, 3)
    network = Trunk(len(EXPRESSIONS_7))
    _fit(network, network, faces, expression, settings.expression_epochs, "expression")
    regression = LogisticRegression(C=0.1, max_iter=300).fit(hog(faces, cell=HOG_CELL), expression)

    say(f"drawing {settings.people} other people in two films each for the judge of identity")
    faces = draw_people(IDENTITY_SEED, settings.people, films=2)
    person = np.broadcast_to(np.arange(settings.people)[:, None, None, None], faces.shape[:4]).ravel()
    embedding = Trunk(EMBEDDING)
    classes = Cosine(settings.people)
    both = nn.Sequential(embedding, classes)
    _fit(both, embedding, faces.reshape(-1, side, side, 3), person, settings.identity_epochs, "identity")
    return {
        "expression": network.state_dict(),
        "identity": embedding.state_dict(),
        "weight": torch.from_numpy(np.asarray(regression.coef_.T, np.float64).copy()),
        "bias": torch.from_numpy(np.asarray(regression.intercept_, np.float64).copy()),
    }


class Cosine(nn.Module):
    """Scaled cosines between embeddings and one learned direction for each person.

    Args:
        people: number of people.
    """

    def __init__(self, people: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(people, EMBEDDING))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Logits, shape (pictures, people)."""
        return COSINE_SCALE * functional.normalize(embeddings) @ functional.normalize(self.directions).T


def _fit(network: nn.Module, judge_: nn.Module, faces: Pictures, labels: Places, epochs: int, what: str) -> None:
    """Train by cross entropy with Adam and a rate that rises and falls; leaves the judge in evaluation mode."""
    random = np.random.default_rng(0)
    steps = len(faces) // BATCH
    optimiser = torch.optim.Adam(network.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps * epochs)
    targets = torch.from_numpy(labels.astype(np.int64))
    network.train()
    for epoch in range(epochs):
        total = 0.0
        for rows in np.array_split(random.permutation(len(faces))[: steps * BATCH], steps):
            loss = functional.cross_entropy(network(_augmented(faces[rows], random)), targets[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        say(f"  {what}: epoch {epoch + 1} of {epochs}, loss {total / steps:.3f}")
    judge_.eval()


def _augmented(faces: Pictures, random: np.random.Generator) -> Tensor:
    """Pictures in [-1, 1] after a shift by up to 3 pixels, mirroring, blur, and a change of brightness and contrast.

    Blur, since what generators make is smoother than what is drawn, and shall not be marked down for that alone.
    """
    pictures = _tensor(faces)
    count, _, side, _ = pictures.shape
    pictures = functional.pad(pictures, (3, 3, 3, 3), mode="replicate")
    down, right = random.integers(0, 7, (2, count))
    parts = zip(pictures, down, right, strict=True)
    pictures = torch.stack([one[:, y : y + side, x : x + side] for one, y, x in parts])
    mirrored = torch.from_numpy(random.random(count) < 0.5)
    pictures[mirrored] = pictures[mirrored].flip(-1)
    blurred = torch.from_numpy(random.random(count) < 0.5)
    pictures[blurred] = _blur(pictures[blurred], random.uniform(0.4, 1.4))
    contrast = torch.from_numpy(random.uniform(0.85, 1.15, (count, 1, 1, 1)).astype(np.float32))
    brightness = torch.from_numpy(random.uniform(-0.1, 0.1, (count, 1, 1, 1)).astype(np.float32))
    return pictures * contrast + brightness


def _blur(pictures: Tensor, deviation: float) -> Tensor:
    reach = math.ceil(2 * deviation)
    bell = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * deviation**2))
    bell = (bell / bell.sum()).repeat(pictures.shape[1], 1)
    groups = pictures.shape[1]
    wide = functional.pad(pictures, (reach,) * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(wide, bell[:, None, None, :], groups=groups), bell[:, None, :, None],
                             groups=groups)  # fmt: skip


def _tensor(faces: Pictures) -> Tensor:
    return torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 127.5 - 1


def _forward(network: Callable[[Tensor], Tensor], pictures: Pictures, chunk: int = 256) -> NDArray[np.float32]:
    with torch.inference_mode():
        parts = [network(_tensor(pictures[k : k + chunk])) for k in range(0, len(pictures), chunk)]
    return torch.cat(parts).numpy()


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def print_verdicts(verdicts: dict[str, Verdict], title: str) -> None:
    """Print one row of shares for each set of pictures."""
    headers = ["pictures", "expression", "by gradients", "person", "person elsewhere", "both"]
    rows = [[name, *(f"{share:.3f}" for share in one.shares().values())] for name, one in verdicts.items()]
    print_table(rows, headers, title)


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the judges.")
def main(out: Path) -> None:
    """Train the judges, unless they are there, and print their verdicts on the controls."""
    judges = load_judges(out)
    questions = make_questions()
    print_verdicts(controls(judges, questions), f"{len(questions.person):,} questions")


if __name__ == "__main__":
    main()
