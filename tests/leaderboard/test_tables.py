from __future__ import annotations

import csv
import io

import pytest

from abawbench.challenges import get
from abawbench.leaderboard.columns import COLUMNS
from abawbench.leaderboard.published import Fact
from abawbench.leaderboard.rows import from_fact, sections
from abawbench.leaderboard.tables import comma_separated, latex, markdown

VA = "mean of CCC valence and CCC arousal"


def fact(**fields: str) -> Fact:
    given = dict.fromkeys(Fact.model_fields, "") | {
        "kind": "claimed",
        "figures": {name: fields.pop(name) for name in COLUMNS if name in fields},
        "edition": "ABAW6",
        "challenge": "VA",
        "dataset": "Aff-Wild2",
        "split": "test",
        "metric_name": VA,
        "source": "a paper",
    }
    return Fact.model_validate(given | fields)


def rows_of(*facts: Fact):
    return [from_fact(one, get("abaw6-va")) for one in facts]


SMALL = rows_of(
    fact(team="C & D", method="50% of_it #1", score="0.40", ccc_v="0.30", ccc_a="0.50", note="half | of it"),
    fact(kind="organiser", team="A", score="0.6", rank="1", note="leaderboard reprinted there", source="b paper"),
    fact(team="B", method="parts", ccc_v="0.12345678", ccc_a="0.6"),
    fact(team="E", rank="4", metric_name=""),
    fact(team="F", score="0.9", metric_name="F1"),
    fact(team="G", score="0.2", split="val"),
)

MARKDOWN = """
## Test

Rows stand by **score**, highest first; where a source prints the parts alone, what they come to decides the place and \
the cell stays empty.

|   score |   CCC valence |   CCC arousal | kind      |   rank | team   | method       | source   | note   |
|--------:|--------------:|--------------:|:----------|-------:|:-------|:-------------|:---------|:-------|
|     0.6 |               |               | organiser |      1 | A      |              | s1       | n1     |
|    0.40 |          0.30 |          0.50 | claimed   |        | C & D  | 50% of_it #1 | s2       | n2     |
|         |        0.1235 |           0.6 | claimed   |        | B      | parts        | s2       |        |
|         |               |               | claimed   |      4 | E      |              | s2       |        |

## Test, other measure: F1

Rows stand by **score**, highest first.

|   score | kind    | team   | source   |
|--------:|:--------|:-------|:---------|
|     0.9 | claimed | F      | s2       |

## Validation

Rows stand by **score**, highest first.

|   score | kind    | team   | source   |
|--------:|:--------|:-------|:---------|
|     0.2 | claimed | G      | s2       |

## Sources

- s1: b paper
- s2: a paper

## Notes

- n1: leaderboard reprinted there
- n2: half \\| of it
"""

LATEX = r"""
% Test. ORDER
\begin{tabular}{rrrlrp{0.16\linewidth}p{0.30\linewidth}l}
\toprule
 score   & CCC valence   & CCC arousal   & kind      & rank   & team   & method       & source   \\
\midrule
 0.6     &               &               & organiser & 1      & A      &              & s1       \\
 0.40    & 0.30          & 0.50          & claimed   &        & C \& D  & 50\% of\_it \#1 & s2       \\
         & 0.1235        & 0.6           & claimed   &        & B      & parts        & s2       \\
         &               &               & claimed   & 4      & E      &              & s2       \\
\bottomrule
\end{tabular}
"""


def test_a_small_board_as_markdown():
    page = markdown("abaw6-va: a title", get("abaw6-va"), SMALL)
    assert page[page.index("\n## Test\n") :] == MARKDOWN


def test_a_page_says_whose_rows_it_shows_and_how_they_are_judged():
    head = markdown("abaw6-va: a title", get("abaw6-va"), SMALL).split("\n## Test\n")[0]
    assert "# abaw6-va: a title" in head
    assert "P = (CCC_valence + CCC_arousal) / 2 (`va-ccc`)" in head
    assert "**organiser**: from a table" in head
    assert "reproduced" not in head


def test_a_small_board_as_latex():
    text = latex("abaw6-va: a title", SMALL)
    order = (
        "Rows stand by score, highest first; where a source prints the parts alone, what they come to decides the place"
    )
    assert LATEX.replace("ORDER", f"{order} and the cell stays empty.") in text
    assert "% Sources\n\\begin{tabular}{lp{0.85\\linewidth}}" in text


def test_special_characters_are_escaped_in_latex():
    text = latex("abaw6-va: a title", rows_of(fact(team="&%$#_{}~^\\", score="0.5")))
    row = next(line for line in text.split("\n") if line.startswith(" 0.5"))
    assert r"\&\%\$\#\_\{\}" in row
    assert not any(sign in row.split("&")[3] for sign in ("~ ", "^ "))


def test_csv_keeps_every_digit_and_every_row():
    lines = list(csv.DictReader(io.StringIO(comma_separated(SMALL))))
    assert [line["team"] for line in lines] == ["A", "C & D", "B", "E", "F", "G"]
    assert lines[2]["ccc_v"] == "0.12345678"
    assert lines[1]["score"] == "0.40"
    assert {lines[3][column] for column in lines[3] if column.startswith(("score", "ccc", "f1"))} == {""}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＠"])
def test_a_name_that_looks_like_a_formula_is_a_text_in_csv(sign):
    text = comma_separated(rows_of(fact(team=f"{sign}HYPERLINK(1)", method="a\u202eb")))
    assert f"'{sign}HYPERLINK(1)" in text
    assert r"a\u202eb" in text


def test_names_are_inert_in_latex():
    text = latex("abaw6-va: a title", rows_of(fact(team="a\u202eb\rc", score="0.5", source="d\u2066e")))
    assert not {"\u202e", "\r", "\u2066"} & set(text)


def test_equal_scores_of_unequal_digits_stand_together_and_keep_their_ranks():
    rows = rows_of(
        fact(team="C", score="0.49999", rank="4"),
        fact(team="B", score="0.500", rank="2"),
        fact(team="A", score="0.5", rank="2"),
        fact(team="D", score="0.7266", rank="1"),
        fact(team="E", score="0.73"),
    )
    (section,) = sections(rows)
    assert [row.team for row in section.rows] == ["E", "D", "A", "B", "C"]
    page = markdown("title", get("abaw6-va"), rows)
    cells = [[cell.strip() for cell in line.split("|")[1:5]] for line in page.split("\n") if "claimed |" in line]
    assert [cell[0] for cell in cells] == ["0.73", "0.7266", "0.5", "0.500", "0.5000"]
    assert [cell[2] for cell in cells] == ["", "1", "2", "2", "4"]


def test_parts_that_only_repeat_the_score_are_left_out():
    page = markdown(
        "title", get("abaw6-va"), rows_of(fact(team="A", score="0.5", ccc_va="0.50", ccc_v="0.4", ccc_a="0.6"))
    )
    assert "CCC mean" not in page
    assert "CCC valence" in page


def test_without_any_figure_the_rank_decides():
    rows = rows_of(fact(team="A", rank="10"), fact(team="B", rank="9"))
    (section,) = sections(rows)
    assert [row.team for row in section.rows] == ["B", "A"]
    assert "rows stand by rank" in markdown("title", get("abaw6-va"), rows)


def test_without_a_printed_score_the_page_says_what_decides():
    page = markdown("title", get("abaw6-va"), rows_of(fact(team="B", ccc_v="0.5", ccc_a="0.5")))
    assert "No source prints a score" in page


def test_the_order_of_the_rows_that_come_in_changes_nothing():
    assert markdown("t", get("abaw6-va"), SMALL) == markdown("t", get("abaw6-va"), SMALL[::-1])
    assert comma_separated(SMALL) == comma_separated(SMALL[::-1])


def test_a_measure_that_is_not_the_challenges_own_stands_apart():
    assert [section.group for section in sections(SMALL)] == ["", "other measure: F1", ""]
