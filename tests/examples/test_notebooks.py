from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
# a cell whose numbers depend on the machine
VARIES = "varies"


def text_of(output: Any) -> str:
    """What a reader sees of an output: its text, or the page that it shows."""
    return output.text if output.output_type == "stream" else output.data.get("text/html", output.data["text/plain"])


def shown(notebook: Any) -> list[list[str]]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        [] if VARIES in cell.metadata.get("tags", []) else ["".join(text_of(output) for output in cell.outputs)]
        for cell in cells
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_was_committed_with(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(path, as_version=4)
    committed = shown(notebook)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert shown(notebook) == committed


def test_there_are_notebooks_with_output():
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        assert sum(bool(cell.outputs) for cell in cells if cell.cell_type == "code") > 3, path
