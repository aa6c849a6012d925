from __future__ import annotations

from abawbench.cli.table_layout import lay_out

WORDS = "a cell of many words that has to be broken into several lines so that it fits"
ENTRY = "2022_aim3_mtl-sbe-hsf-transformer"


def lines(rows, headers, width=80, **settings):
    return [line.text for line in lay_out(rows, headers, width, **settings)]


def test_long_cells_are_wrapped_between_words_and_ids_and_intervals_stay_whole():
    found = lines([[ENTRY, WORDS, "0.1517 to 0.4024"]], ["id", "what", "interval"])
    assert max(map(len, found)) <= 80
    assert found[1].startswith(f"{ENTRY}  a cell of")
    assert "0.1517 to 0.4024" in found[1]
    assert " ".join(line[len(ENTRY) :].replace("0.1517 to 0.4024", "").strip() for line in found[1:]) == WORDS


def test_optional_columns_are_left_out_one_by_one_and_named():
    row, headers = ["abaw4-mtl", "ECCV 2022", "mtl-sum", "0.1517 to 0.4024"], ["id", "venue", "metric", "interval"]
    settings = {"optional": ("venue", "metric")}
    assert lines([row], headers, 47, **settings)[1] == "abaw4-mtl  ECCV 2022  mtl-sum  0.1517 to 0.4024"
    assert lines([row], headers, 46, **settings) == [
        "id         metric   interval",
        "abaw4-mtl  mtl-sum  0.1517 to 0.4024",
        "not shown here: venue; --json has them",
    ]
    assert lines([row], headers, 30, **settings)[:2] == ["id         interval", "abaw4-mtl  0.1517 to 0.4024"]


def test_short_cells_are_wrapped_where_nothing_may_be_left_out():
    assert lines([["x", "0.1517 to 0.4024", "0.1443 to 0.4024"]], ["", "BCa", "percentile"], 30) == [
        "   BCa           percentile",
        "x  0.1517 to     0.1443 to",
        "   0.4024        0.4024",
    ]


def test_columns_that_do_not_fit_become_further_tables_with_the_keys_again():
    found = lines([["va", "valence", "b" * 30, "c" * 30, "d"]], ["task", "name", "one", "two", "three"], 50, keys=2)
    assert found[:3] == ["task  name     one", f"va    valence  {'b' * 30}", ""]
    assert found[3].split() == ["task", "name", "two"]
    assert found[4].split() == ["va", "valence", "c" * 30]
    assert found[5:] == ["", "task  name     three", "va    valence  d"]


def test_a_word_that_is_too_long_is_never_broken():
    path = "/a/very/long/path/" * 5
    assert any(path in line for line in lines([["weights", path]], ["", ""], 60))


def test_the_header_is_marked():
    assert [line.is_header for line in lay_out([["a"]], ["one two"], 4)] == [True, True, False]
    assert lines([], ["id", "number"]) == ["id  number"]
