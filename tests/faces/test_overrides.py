from __future__ import annotations

import pytest

from abawbench.base.problems import ProblemError
from abawbench.faces.overrides import LAST, Override, read_overrides


def written(path, text: str):
    (path / "overrides.csv").write_text(text)
    return path / "overrides.csv"


def test_rows_are_read_by_video(tmp_path):
    text = "video,from,to,which\na,1,50,2\nb,,,none\na, 60 ,,left\n\n"
    assert read_overrides(written(tmp_path, text)) == {
        "a": (Override(1, 50, 2), Override(60, LAST, "left")),
        "b": (Override(0, LAST, "none"),),
    }


def test_without_a_file_there_are_none(tmp_path):
    assert read_overrides(tmp_path / "overrides.csv") == {}


def test_an_empty_file_has_none(tmp_path):
    assert read_overrides(written(tmp_path, "")) == {}


def test_another_header_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F04"):
        read_overrides(written(tmp_path, "file,from,to,which\n"))


@pytest.mark.parametrize(
    "row", ["a,9,3,1", "a,x,3,1", "a,1,3,0", "a,1,3,middle", "a,1,3", ",1,3,1", "a,-1,3,1", "a,1,²,1"]
)
def test_each_wrong_row_is_a_problem_with_its_line(tmp_path, row):
    with pytest.raises(ProblemError) as caught:
        read_overrides(written(tmp_path, f"video,from,to,which\nb,1,2,left\n{row}\n"))
    assert [(problem.rule, problem.line) for problem in caught.value.problems] == [("D34", 3)]


def test_all_wrong_rows_are_told_at_once(tmp_path):
    with pytest.raises(ProblemError) as caught:
        read_overrides(written(tmp_path, "video,from,to,which\na,9,3,1\na,1,3,x\n"))
    assert [problem.line for problem in caught.value.problems] == [2, 3]
