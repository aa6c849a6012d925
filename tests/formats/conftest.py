"""Good submissions of every kind of challenge, small enough to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from abawbench.challenges import get
from abawbench.challenges.model import Categorical, Challenge, Continuous
from abawbench.formats.layout import prediction_layouts

AH_IDS = [
    "Videos/99010/Visite_1/99010_Question_1_2025-01-01_09-00-00_Video.mp4",
    "Videos/99010/Visite_1/99010_Question_2_2025-01-01_09-02-00_Video.mp4",
    "Videos/99011/Visite_1/99011_Question_1_2025-01-02_09-04-00_Video.mp4",
    "Videos/99012/Visite_1/99012_Question_3_2025-01-03_09-06-00_Video.mp4",
]
PATHS = [*(f"2-30-640x360/{i:05d}.jpg" for i in range(1, 5)), *(f"14-30-1920x1080_left/{i:05d}.jpg" for i in (1, 2, 3))]
# natural order, gaps, and a repeated row
MTL_PATHS = ["2-30/00001.jpg", "2-30/00008.jpg", "2-30/00008.jpg", "11-4/00002.jpg", "11-4/00003.jpg"]


@dataclass
class Submission:
    """A list and a prediction that answers it: lines of the files, to be spoilt and written.

    `lines` and `listed` are by file name; a challenge of one file has the name `predictions.txt`.
    """

    challenge: Challenge
    folder: Path
    lines: dict[str, list[str]] = field(default_factory=dict)
    listed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def one(self) -> list[str]:
        """Lines of the first file."""
        return next(iter(self.lines.values()))

    @property
    def is_per_unit(self) -> bool:
        return prediction_layouts(self.challenge)[0].per_unit

    @property
    def template(self) -> Path:
        if len(self.listed) == 1:
            return self.folder / "list" / next(iter(self.listed))
        return self.folder / "list"

    def write_list(self) -> Path:
        self._write(self.folder / "list", self.listed)
        return self.template

    def write(self) -> Path:
        """The list and the prediction on disk; the path of the prediction."""
        self.write_list()
        self._write(self.folder / "mine", self.lines)
        return self.folder / "mine" if self.is_per_unit else self.folder / "mine" / next(iter(self.lines))

    def _write(self, folder: Path, files: dict[str, list[str]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in files.items():
            (folder / name).write_text("".join(f"{line}\n" for line in lines), newline="")


def values(challenge: Challenge, row: int) -> str:
    """Values of a row that are in range and differ from row to row."""
    pieces: list[str] = []
    for task in challenge.tasks:
        match task:
            case Continuous():
                pieces += [f"{0.1 + 0.01 * (row + place):.2f}" for place in range(len(task.columns))]
            case Categorical():
                pieces.append(str(row % len(task.classes)))
            case _:
                pieces += [str((row + place) % 2) for place in range(len(task.columns))]
    return ",".join(pieces)


def good_submission(challenge_id: str, folder: Path) -> Submission:
    """A small faultless submission."""
    challenge = get(challenge_id)
    layout = prediction_layouts(challenge)[0]
    made = Submission(challenge, folder)
    header = [] if layout.header is None else [layout.header]
    match layout.format:
        case "unit-txt":
            rows = {"1-30-1280x720": 4, "5-60-1920x1080-2": 3, "5-60-1920x1080-2_left": 2}
            made.lines = {
                f"{unit}.txt": [*header, *(values(challenge, row) for row in range(count))]
                for unit, count in rows.items()
            }
            made.listed = {"test_set.txt": list(rows)}
        case "vd-csv":
            for unit, count in {"0008": 3, "0012": 4}.items():
                numbers = range(1, count + 1)
                made.listed[f"{unit}.csv"] = [*header, *(f"{row}," for row in numbers)]
                made.lines[f"{unit}.csv"] = [*header, *(f"{row},{row % 2}" for row in numbers)]
        case "ah-trial":
            made.lines = {
                "trial-0.txt": [f"{name},0.{7 - row}3,0.{2 + row}7,{row % 2}" for row, name in enumerate(AH_IDS)]
            }
            made.listed = {"trial-0.txt": [f"{name},0.5,0.5,0" for name in AH_IDS]}
        case "ah-frames":
            names = [f"99001/Visite_1/99001_Question_1_Video.mp4/frame-{row}.jpg" for row in range(5)]
            made.lines = {"trial-0.txt": [f"{name},{row % 2}" for row, name in enumerate(names)]}
            made.listed = {"trial-1.txt": [f"{name},0" for name in names]}
        case _:
            keys = {"mtl": MTL_PATHS, "labels": PATHS, "rows": PATHS, "lsd": [f"{i}.jpg" for i in range(12)]}.get(
                layout.format, ["00021", "00022", "00345", "12660"]
            )
            made.lines = {
                "predictions.txt": [*header, *(f"{key},{values(challenge, row)}" for row, key in enumerate(keys))]
            }
            made.listed = {"list.txt": [*header, *keys]}
    return made


@pytest.fixture
def submission(tmp_path):
    """Makes a good submission of a challenge in a folder of its own."""
    return lambda challenge_id: good_submission(challenge_id, tmp_path)
