"""Bundles: those of the package, made once, and small ones with a program of the test's own."""

from __future__ import annotations

import importlib
import io
import zipfile
from pathlib import Path

import pytest

from abawbench.challenges import get
from abawbench.organisers.events.deadlines import parse_moment
from abawbench.organisers.events.event import Event, Phase
from abawbench.organisers.rehearsal.bundle_files import Opened
from abawbench.organisers.samples import sample, write

MADE = "2026-07-01"
COMMAND = "command: python3 /app/program/score.py /app/input /app/output\n"
COMPETITION = """version: 2
title: An event
image: logo.png
terms: terms.md
docker_image: codalab/codalab-legacy:py39
pages:
- title: Overview
  file: overview.md
tasks:
- index: 0
  name: test
  scoring_program: program.zip
  reference_data: reference.zip
phases:
- index: 0
  name: Test
  start: '2026-07-01 00:00:00'
  end: '2026-07-17 11:59:59'
  tasks: [0]
  execution_time_limit: 600
leaderboards:
- title: Results
  key: main
  submission_rule: Force_Best
  columns:
  - {title: Score, key: score, index: 0, sorting: desc, precision: 5}
"""
GOOD = """
import json, pathlib, sys
given = [p for p in pathlib.Path(sys.argv[1], "res").rglob("*.txt") if "__MACOSX" not in p.parts]
if len(given) != 1 or given[0].read_text() != "good\\n":
    sys.exit("this submission is bad")
pathlib.Path(sys.argv[2], "scores.json").write_text(json.dumps({"score": 0.5}))
"""


def zipped(files: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def competition(program: str = GOOD, *, text: str = COMPETITION, files: dict[str, bytes] | None = None) -> Opened:
    """A small bundle for Codabench with a program of one's own."""
    parts = {
        "competition.yaml": text.encode(),
        "logo.png": b"a picture",
        "terms.md": b"terms",
        "overview.md": b"overview",
        "program.zip": zipped({"metadata.yaml": COMMAND, "score.py": program}),
        "reference.zip": zipped({"truth.txt": "good\n"}),
        **(files or {}),
    }
    return Opened("codabench", parts, "bundle")


def event(challenge_id: str, *, is_private: bool = True) -> Event:
    phase = Phase(
        name="Test",
        codename="test",
        begins=parse_moment("2026-07-09 12:00 UTC"),
        ends=parse_moment("2026-07-16 23:59:59 AoE"),
        daily=None,
        total=5,
        is_private=is_private,
        shows_scores=True,
        split="test",
        description="The test set.",
    )
    return Event(
        title="An event",
        challenge=get(challenge_id),
        organisers="A. B.",
        contact="mail@example.org",
        site=None,
        summary="An event.",
        logo=None,
        texts={},
        phases=(phase,),
        trials=5,
        path=Path("event.toml"),
    )


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Makes the bundle of a challenge for a platform, from a sample of it; each once."""
    made: dict[tuple[str, str], Path] = {}

    def bundle(platform: str, challenge_id: str, units: int = 2, rows: int = 10) -> Path:
        if (platform, challenge_id) not in made:
            folder = tmp_path_factory.mktemp(f"{platform}-{challenge_id}")
            files = sample(get(challenge_id), units=units, rows=rows)
            paths = [{"test": write(part, folder / name)} for part, name in ((files.truth, "t"), (files.template, "l"))]
            maker = importlib.import_module(f"abawbench.organisers.bundles.{platform}")
            made[platform, challenge_id] = maker.make(event(challenge_id), *paths, folder / "bundle", MADE).folder
        return made[platform, challenge_id]

    return bundle
