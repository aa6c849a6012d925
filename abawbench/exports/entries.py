"""The export of an entry into a new folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from abawbench.base.files import make_folder, write_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.entries.templates import require_name
from abawbench.exports.networks import read_network
from abawbench.records import read_agreeing


def export_entry(
    name: str, form: str, out: Path, records: Sequence[Path] = (), root: Path = Path("submissions")
) -> tuple[tuple[str, ...], float | None]:
    """Export a network into a new folder, which appears whole or not at all.

    Args:
        name: name of the entry, or the path of its folder.
        form: `hugging-face` or `onnx`.
        out: the new folder; for `onnx` its name is that of the new entry.
        records: records of its scores, for the model card of `hugging-face`.
        root: folder of the submissions.

    Returns:
        Names of the files, and the greatest difference of the answers; None where they are the same to the bit.

    Raises:
        ProblemError: C02 no network, something is there already, or a record of another entry; E02 another form of
            name; E14 an ONNX graph that answers otherwise; everything that is wrong with entry and records.
    """
    network = read_network(name, root)
    difference = None
    if form == "onnx":
        from abawbench.exports.onnx_entry import onnx_files

        require_name(out.name)
        if records:
            found, expected = "records beside --format onnx", "records of hugging-face"
            raise ProblemError(Problem("C02", found, expected, "score the new entry, which is another one"))
        files, difference = onnx_files(network, out.name)
    else:
        from abawbench.exports.hugging_face import hugging_face_files

        kept = [read_agreeing(path) for path in records]
        for path, record in zip(records, kept, strict=True):
            if record.entry != network.content.name:
                found, fix = f"a record of {record.entry}", "name the records of this entry"
                raise ProblemError(Problem("C02", found, f"one of {network.content.name}", fix, str(path)))
        files = hugging_face_files(network, kept)
    make_folder(out.parent)
    write_folder(out, files)
    return tuple(files), difference
