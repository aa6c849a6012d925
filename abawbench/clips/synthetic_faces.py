"""Synthesised faces: each picture says that it is synthetic, and a manifest names the face that it was made from."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

import numpy as np

from abawbench.base.hashes import sha256_of
from abawbench.clips.clip import Clip, Positions
from abawbench.clips.images import Image, encode_png

MANIFEST = "manifest.csv"
COLUMNS = ("picture", "synthetic", "target", "unit", "frame", "parent_id", "parent_sha256", "entry", "sha256")


@dataclass(frozen=True, slots=True)
class SyntheticFace:
    """What a synthesised face says about itself.

    Attributes:
        target: expression that it was given.
        parent_id: face that it was made from, as `unit/00001`.
        entry: name of the entry that made it.
    """

    target: str
    parent_id: str
    entry: str

    def encode(self, image: Image) -> bytes:
        """The face as the bytes of a PNG file, which says in a text chunk what it is."""
        return encode_png(image, {"synthetic": True, **asdict(self)})

    def row(self, picture: str, data: bytes, parent_sha256: str) -> dict[str, str]:
        """The row of the manifest, by column.

        Args:
            picture: path of the picture in the folder of the manifest, `.../<unit>/00001.png`.
            data: bytes of the picture.
            parent_sha256: hash of the file of the face that it was made from; empty where that is in no file.
        """
        place = PurePosixPath(picture)
        values = {"picture": picture, "synthetic": "true", "unit": place.parent.name, "frame": str(int(place.stem))}
        hashes = {"parent_sha256": parent_sha256, "sha256": hashlib.sha256(data).hexdigest()}
        return values | asdict(self) | hashes


def hashes_of_parents(clip: Clip, positions: Positions) -> list[str]:
    """SHA-256 of the files of valid frames; empty texts where the crops are in memory. Raises: ProblemError F01."""
    if clip.files is None:
        return [""] * len(positions)
    paths = list(clip.files())
    return [sha256_of(paths[place]) for place in (np.cumsum(clip.valid) - 1)[positions].tolist()]


def manifest_of(rows: Iterable[Mapping[str, str]]) -> bytes:
    """The manifest of synthesised faces, a table with the columns `COLUMNS`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *([row[column] for column in COLUMNS] for row in rows)])
    return text.getvalue().encode()
