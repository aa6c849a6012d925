from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, main

FOLDER = Path(__file__).parent.parent / "benchmarks"


def test_every_benchmark_of_the_list_is_a_module_with_a_main_and_none_is_forgotten():
    modules = {path.stem for path in FOLDER.glob("[!_]*.py") if "\ndef main(" in path.read_text()}
    assert modules == set(BENCHMARKS)


def test_an_unknown_benchmark_is_refused_with_a_near_name():
    with pytest.raises(SystemExit, match="did you mean scoring"):
        main(["scorin"])
    with pytest.raises(SystemExit, match="one of batch, batch_costs, clips, compound_scores, coverage"):
        main(["xyz"])
