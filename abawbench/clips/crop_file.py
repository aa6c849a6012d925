"""The file `crop.json`, by which a folder of crops says what they are. It stands beside the folders of the units."""

from __future__ import annotations

import json
from pathlib import Path

from abawbench.base.files import read_input, write_text
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.clips.crop import FORMS, Crop

CROP_FILE = "crop.json"


def write_crop(folder: Path, crop: Crop) -> None:
    """Write what the crops of a folder are. Raises: ProblemError F01, the folder cannot be written."""
    write_text(folder / CROP_FILE, json.dumps(crop.to_json()) + "\n")


def read_crop(folder: Path) -> Crop | None:
    """Read what the crops of a folder are; None where it does not say.

    Raises:
        ProblemError: F01, the file cannot be read, or says something else.
    """
    path = folder / CROP_FILE
    try:
        record = parse_fields(read_input(path))
        if record.keys() != {"crop", "size"}:
            raise ValueError(f"the fields {', '.join(record) or 'none'}")
        return Crop.from_json(record)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error
    except ValueError as error:
        expected = f'{{"crop": NAME, "size": PIXELS}}, where NAME is {FORMS}'
        fix = "correct it, or remove it where the crops are of no such kind"
        raise ProblemError(Problem("F01", str(error), expected, fix, str(path))) from error
