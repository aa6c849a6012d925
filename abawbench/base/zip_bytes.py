"""A zip whose bytes depend on its members alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

# the earliest time that a zip can hold
NO_TIME = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o100644
UNIX = 3
LEVEL = 6


def zipped(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip of plain files; the same members give the same bytes with the same version of zlib.

    Times, permissions, order and compression are fixed.

    Args:
        members: path and content of each file, in the order of the zip.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members:
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.create_system = UNIX
            entry.external_attr = PLAIN_FILE << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, LEVEL)
    return stream.getvalue()
