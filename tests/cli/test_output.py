from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from abawbench.challenges import CHALLENGES
from abawbench.cli import main
from abawbench.cli.output import print_paragraph, print_table
from abawbench.datasets.manifests import manifests

WORDS = "a cell of many words that has to be broken into several lines so that it fits"


def printed(capsys, *table, **settings):
    print_table(*table, **settings)
    return click.unstyle(capsys.readouterr().out).splitlines()


def test_a_table_that_fits_is_one_line_for_each_row(capsys):
    assert printed(capsys, [["abaw4-mtl", 1]], ["id", "number"]) == ["id         number", "abaw4-mtl  1"]


@pytest.mark.parametrize("columns", [None, "60", "40"])
def test_a_table_and_its_title_fit_in_a_pipe_too(capsys, monkeypatch, columns):
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    lines = printed(capsys, [[WORDS, WORDS]], ["one", "other"], f"{WORDS} and {WORDS}")
    assert max(map(len, lines)) <= int(columns or 80)
    assert " ".join(lines[:3]).startswith(f"{WORDS} and a cell")


def test_a_paragraph_fits(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_paragraph(f"{WORDS} and {WORDS}")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(lines) == f"{WORDS} and {WORDS}"


@pytest.mark.parametrize("columns", ["80", "60"])
@pytest.mark.parametrize(
    ("verb", "ids"),
    [(("challenges",), CHALLENGES), (("data", "list"), [*manifests()]), (("doctor",), ["opencv-python-headless"])],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_lists_fit_with_whole_ids(capsys, monkeypatch, columns, verb, ids):
    monkeypatch.setenv("COLUMNS", columns)
    main([*verb], standalone_mode=False)
    out = capsys.readouterr().out
    # a path is never broken
    assert max(len(line) for line in out.splitlines() if "/" not in line) <= int(columns)
    assert set(ids) <= set(out.split())


def test_no_color_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in CliRunner().invoke(main, ["challenges", "abaw4-mtl"], color=True).stdout
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" in CliRunner().invoke(main, ["challenges", "abaw4-mtl"], color=True).stdout
