from __future__ import annotations

import pytest

from abawbench.base.problems import ProblemError, near_names
from abawbench.datasets.manifests import manifests
from abawbench.datasets.manifests.model import READERS, Classes, LabelSet, Manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.sequences import EmotionFileSettings
from abawbench.datasets.readers.settings import class_names, code_numbers, columns_in_file, pairs, settings_of
from abawbench.datasets.readers.table import TableSettings

CLASSES = Classes(kind="classes", name="expression", classes=("Anger", "Fear"), codes=(3, 4), missing=(-1,))


def first_of(reader: str) -> tuple[Manifest, LabelSet]:
    """A manifest with a label set of this reader."""
    pairs_of = ((manifest, part) for manifest in manifests().values() for part in manifest.labels)
    return next((manifest, part) for manifest, part in pairs_of if part.reader == reader)


def label_set(**options: object) -> tuple[Manifest, LabelSet]:
    manifest, part = first_of("table")
    return manifest, part.model_copy(update={"id": "mine", "options": options, "tasks": (CLASSES,)})


def problems_of(kind: type, **options: object) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError) as raised:
        settings_of(kind, *label_set(**options))
    assert {problem.rule for problem in raised.value.problems} == {"D01"}
    return [(problem.found, problem.expected) for problem in raised.value.problems]


@pytest.mark.parametrize("reader", sorted(READERS))
def test_every_reader_refuses_an_option_that_it_does_not_know(tmp_path, reader):
    manifest, part = first_of(reader)
    wrong = part.model_copy(update={"options": {**part.options, "no_such_option": "x"}})
    labels, problems = read_with_problems(manifest.model_copy(update={"labels": (wrong,)}), tmp_path)
    assert labels is None
    assert [problem.rule for problem in problems] == ["D01"]
    assert "unknown option" in problems[0].found
    assert "no_such_option" in problems[0].found


def test_an_option_of_a_misspelt_name_is_told_the_name_that_is_like_it():
    assert problems_of(TableSettings, vidoe="clip") == [("an unknown option labels.mine.options.vidoe", "'video'")]


def test_an_option_of_another_type_is_one_problem_whatever_the_number_of_types_it_may_have():
    ((found, expected),) = problems_of(TableSettings, header="no")
    assert "header" in found
    assert "delimiter" in expected


def test_an_option_out_of_its_range_is_a_problem():
    ((found, _),) = problems_of(EmotionFileSettings, pattern="x", take=0)
    assert "take: Input should be greater than or equal to 1" in found


def test_an_option_that_is_lacking_is_a_problem():
    ((found, _),) = problems_of(EmotionFileSettings)
    assert "pattern: Field required" in found


def test_every_option_at_fault_is_reported():
    assert len(problems_of(TableSettings, vidoe="clip", quote="''", splits=("Training",))) == 3


def test_one_text_may_stand_without_brackets():
    settings = settings_of(TableSettings, *label_set(names="path", splits="Training=train"))
    assert settings.names == ("path",)
    assert pairs(settings.splits) == {"Training": "train"}


def test_columns_have_their_own_names_in_the_file_where_an_option_says_so():
    _, part = label_set(expression="emotion", path="file")
    assert columns_in_file(part) == {"expression": "emotion"}
    assert columns_in_file(part.model_copy(update={"options": {"expression": 2}})) == {"expression": 2}
    assert columns_in_file(part.model_copy(update={"options": {}})) == {"expression": "expression"}


def test_codes_and_missing_values_have_numbers():
    assert code_numbers(CLASSES) == {3: 0, 4: 1, -1: -1}


def test_a_folder_may_be_called_by_code_class_or_alias():
    _, part = label_set()
    assert class_names(CLASSES, CLASSES.classes, ("ANG=anger", "scared=Fear"), part) == {
        "anger": 0,
        "fear": 1,
        "ang": 0,
        "scared": 1,
    }
    with pytest.raises(ProblemError, match="one of Anger, Fear"):
        class_names(CLASSES, CLASSES.classes, ("glad=Joy",), part)


def test_names_that_are_like_an_unknown_one_are_proposed_and_all_where_none_is():
    assert near_names("tabel", READERS) == "'table'"
    assert near_names("?", ["one", "two"]) == "one of one, two"
