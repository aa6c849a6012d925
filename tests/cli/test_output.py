from __future__ import annotations

import sys

import click
from click.testing import CliRunner

from abawbench.challenges import CHALLENGES
from abawbench.cli import main
from abawbench.cli.output import print_table

WORDS = "a cell of many words that has to be broken into several lines so that it fits"


def on_a_terminal(monkeypatch):
    """Standard output is a terminal of 80 columns from now on."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def printed(capsys, *table):
    print_table(*table)
    return click.unstyle(capsys.readouterr().out).splitlines()


def test_a_table_that_fits_is_one_line_for_each_row(capsys):
    assert printed(capsys, [["abaw4-mtl", 1]], ["id", "number"]) == ["id         number", "abaw4-mtl  1"]


def test_elsewhere_than_on_a_terminal_a_row_is_one_line(capsys):
    assert len(printed(capsys, [[WORDS, WORDS]], ["one", "other"])) == 2


def test_a_wide_table_is_wrapped_between_words_and_never_in_an_id(capsys, monkeypatch):
    on_a_terminal(monkeypatch)
    name = "2022_aim3_mtl-sbe-hsf-transformer"
    lines = printed(capsys, [[name, WORDS, "0.5"]], ["id", "what", "score"])
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(f"{name}  a cell of")
    assert " ".join(line[len(name) :].replace("0.5", "").strip() for line in lines[1:]).split() == WORDS.split()


def test_a_table_of_long_words_is_a_block_for_each_row(capsys, monkeypatch):
    on_a_terminal(monkeypatch)
    assert printed(capsys, [["a.txt", "b" * 64, "c" * 30]], ["member", "sha256", "x"]) == [
        "a.txt",
        f"  sha256: {'b' * 64}",
        f"  x: {'c' * 30}",
    ]


def test_the_list_of_challenges_fits_80_columns_with_whole_ids(capsys, monkeypatch):
    on_a_terminal(monkeypatch)
    main(["challenges"], standalone_mode=False)
    out = capsys.readouterr().out
    assert max(map(len, out.split("\n\n")[0].splitlines())) <= 80
    assert set(CHALLENGES) <= set(out.split())


def test_no_color_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in CliRunner().invoke(main, ["challenges", "abaw4-mtl"], color=True).stdout
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" in CliRunner().invoke(main, ["challenges", "abaw4-mtl"], color=True).stdout
