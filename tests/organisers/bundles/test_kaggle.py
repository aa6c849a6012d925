"""Kaggle's metric scores as the package does; teams see what is wrong with theirs, and nothing of the truth."""

from __future__ import annotations

import functools
import inspect
import io
import sys
import types
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats import read_predictions, read_truth
from abawbench.formats.layout import prediction_layouts
from abawbench.organisers.bundles import kaggle
from abawbench.organisers.samples import sample, write
from abawbench.table import video_of
from tests.organisers.bundles.events import Files, files_of

EVERY_FORMAT = [
    "abaw1-expr",
    "abaw4-lsd",
    "abaw4-mtl",
    "abaw10-va",
    "abaw10-emi",
    "abaw10-vd",
    "abaw11-ah",
    "london-identity",
]
DATE = "2026-07-01"
ID = "id"


def bundle_of(files, folder):
    """The folder with the content of a bundle."""
    return kaggle.make(files.event, files.truths, files.templates, folder, DATE).content


def metric_of(content):
    """The metric as a notebook runs it, where its own name is that of the main program."""
    module = types.ModuleType("__main__")
    exec(compile((content / "metric.py").read_text(), "metric.py", "exec", dont_inherit=True), module.__dict__)
    return module


def solution_of(content):
    return pd.read_csv(content / "solution.csv")


def submission_of(files, content):
    """The prediction as a team would send it to Kaggle: the sample with its own values."""
    layout = prediction_layouts(files.event.challenge)[0]
    prediction = read_predictions(files.event.challenge, files.prediction)
    truth = read_truth(files.event.challenge, files.truth)
    frame = pd.read_csv(content / "sample_submission.csv")
    assert frame[ID].tolist() == solution_of(content)[ID].tolist()
    places = {}
    for row in range(len(prediction)):
        places.setdefault(prediction.name(row), []).append(row)
    rows = prediction.take(np.array([places[truth.name(row)].pop(0) for row in range(len(truth))]))
    for column in layout.columns:
        values = [float(text) for text in column.predictions(rows).to_pylist()]
        frame[column.name] = [int(value) if column.is_whole else value for value in values]
    return frame


@pytest.fixture(scope="module")
def made_of(tmp_path_factory):
    """A function that makes files, content, metric, solution and a good submission, once for all tests."""

    @functools.cache
    def made(challenge):
        folder = tmp_path_factory.mktemp(challenge)
        files = files_of(challenge, folder)
        content = bundle_of(files, folder / "bundle")
        return Made(files, content, metric_of(content), solution_of(content), submission_of(files, content))

    return made


@dataclass(frozen=True)
class Made:
    """A bundle and what belongs to it; tests change copies."""

    files: Files
    content: Path
    metric: types.ModuleType
    solution: pd.DataFrame
    submission: pd.DataFrame


@pytest.fixture
def mtl(made_of):
    """The bundle of a multi-task challenge."""
    return made_of("abaw4-mtl")


def refused(mtl, change):
    """What a team sees after a change of its good submission."""
    metric, solution, submission = mtl.metric, mtl.solution, mtl.submission
    with pytest.raises(metric.ParticipantVisibleError) as caught:
        metric.score(solution.copy(), change(submission.copy()), ID)
    return str(caught.value)


@pytest.mark.parametrize("challenge", EVERY_FORMAT)
def test_the_score_is_that_of_the_package(challenge, made_of):
    made = made_of(challenge)
    own = abawbench.score(challenge, made.files.truth, made.files.prediction, resamples=2)
    assert str(made.metric.score(made.solution, made.submission, ID)) == str(own.score)


@pytest.mark.parametrize("challenge", ["abaw4-mtl", "abaw10-va", "abaw11-ah", "abaw1-expr"])
def test_the_score_of_any_answers_is_that_of_the_package(challenge, made_of):
    made = made_of(challenge)
    layout = prediction_layouts(get(challenge))[0]
    truth = read_truth(get(challenge), made.files.truth)
    for seed in range(10):
        random = np.random.default_rng(seed)
        sent = made.submission.copy()
        values = {}
        for task in get(challenge).tasks:
            if task.is_real:
                values[task.name] = task.low + (task.high - task.low) * random.random((len(sent), task.width)).round(6)
            else:
                shape = (len(sent), task.width) if task.is_vector else len(sent)
                # one class alone, too
                most = 1 if seed == 9 else 2 if task.is_vector else task.width
                values[task.name] = random.integers(0, most, shape).astype(np.int8)
        for column in layout.columns:
            if column.task is not None:
                block = values[column.task]
                sent[column.name] = block if block.ndim == 1 else block[:, column.place]
        own = abawbench.score(challenge, truth, replace(truth, values=values), resamples=2)
        assert str(made.metric.score(made.solution, sent.sample(frac=1, random_state=seed), ID)) == str(own.score)


@pytest.mark.parametrize("challenge", ["abaw4-mtl", "abaw10-vd", "abaw11-ah"])
def test_each_part_has_the_score_of_its_videos(challenge, made_of):
    made = made_of(challenge)
    files, solution, submission = made.files, made.solution, made.submission
    truth = read_truth(get(challenge), files.truth)
    prediction = read_predictions(get(challenge), files.prediction)
    for usage in ("Public", "Private"):
        rows = np.flatnonzero((solution["Usage"] == usage).to_numpy())
        part = truth.take(rows)
        names = {part.videos[place] for place in part.video}
        answers = prediction.take(np.flatnonzero([prediction.videos[place] in names for place in prediction.video]))
        own = abawbench.score(challenge, part, answers, resamples=2)
        # Kaggle hands over either the whole submission or the rows of the part, by id
        ids = solution[ID].iloc[rows]
        given = solution.iloc[rows].sort_values(ID)
        for sent in (submission, submission[submission[ID].isin(ids)].sort_values(ID)):
            assert str(made.metric.score(given, sent, ID)) == str(own.score)


@pytest.mark.parametrize("challenge", EVERY_FORMAT)
def test_videos_stay_whole_and_a_third_of_the_rows_is_public(challenge, made_of):
    solution = made_of(challenge).solution
    video = solution["unit_name"].str.removeprefix("unit ").map(video_of)
    if prediction_layouts(get(challenge))[0].key not in {"id", "image"}:
        assert len(set(zip(video, solution["Usage"], strict=True))) == video.nunique()
    usage = solution["Usage"].tolist()
    assert 0.3 <= usage.count("Public") / len(usage) < 0.7
    assert set(usage) == {"Public", "Private"}


@pytest.mark.parametrize("challenge", EVERY_FORMAT)
def test_the_sample_submission_is_accepted(challenge, made_of):
    made = made_of(challenge)
    score = made.metric.score(made.solution, pd.read_csv(made.content / "sample_submission.csv"), ID)
    assert np.isfinite(score)


def test_ids_are_unique_where_the_list_repeats_a_row(mtl):
    solution = mtl.solution
    assert solution["row_name"].duplicated().any()
    assert solution[ID].is_unique
    assert solution[ID].str.endswith("#2").any()


def test_ids_that_look_like_numbers_get_a_word_before_them(made_of):
    assert made_of("abaw10-emi").submission[ID].str.fullmatch(r"id_\d+").all()


def test_rows_in_any_order_and_types_of_pandas_score_the_same(mtl):
    metric, solution, submission = mtl.metric, mtl.solution, mtl.submission
    expected = metric.score(solution, submission, ID)
    for other in (
        submission.sample(frac=1, random_state=1),
        submission.astype({"expression": float, "AU1": float}),
        submission.astype({"expression": "Int64"}),
        submission.astype({"valence": object, "expression": str}),
        submission.set_axis(submission.index + 7),
        submission.iloc[:, ::-1],
    ):
        assert metric.score(solution, other, ID) == expected
    assert metric.score(solution.sample(frac=1, random_state=2), submission, ID) == expected
    assert metric.score(solution.drop(columns="Usage"), submission, ID) == expected


def test_both_tables_stay_as_they_are(mtl):
    metric, solution, submission = mtl.metric, mtl.solution, mtl.submission
    before = solution.copy(), submission.copy()
    metric.score(solution, submission, ID)
    pd.testing.assert_frame_equal(solution, before[0])
    pd.testing.assert_frame_equal(submission, before[1])


def test_probabilities_may_be_left_out(made_of):
    made = made_of("abaw11-ah")
    metric, solution, submission = made.metric, made.solution, made.submission
    expected = metric.score(solution, submission, ID)
    assert metric.score(solution, submission.drop(columns=["p0", "p1"]), ID) == expected
    with pytest.raises(metric.ParticipantVisibleError, match="F04 wrong header: found without p0"):
        metric.score(solution, submission.drop(columns="p0"), ID)
    with pytest.raises(metric.ParticipantVisibleError, match="V08 probabilities do not sum"):
        metric.score(solution, submission.assign(p1=submission["p1"] + 0.01), ID)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda sent: sent.drop(columns="AU26"), "F04 wrong header: found without AU26"),
        (lambda sent: sent.drop(columns="id"), "F04 wrong header: found without id"),
        (lambda sent: sent.assign(more=1), "F04 wrong header: found with more"),
        (lambda sent: sent.iloc[:-3], "T01 rows missing, 3 times: found no row"),
        (lambda sent: sent.iloc[:0], "T01 rows missing"),
        (lambda sent: pd.concat([sent, sent.iloc[:2]]), "T03 rows repeated, 2 times"),
        (lambda sent: pd.concat([sent, sent.iloc[:1].assign(id="x")]), "T02 rows not asked for, 1 times: found 'x'"),
        (lambda sent: sent.assign(id=1), "T03 rows repeated"),
        (lambda sent: sent.assign(valence=np.nan), "V01 not a number"),
        (lambda sent: sent.assign(valence=None), "V01 not a number"),
        (lambda sent: sent.assign(expression=pd.NA), "V01 not a number"),
        (lambda sent: sent.assign(valence=np.inf), "V02 infinite value"),
        (lambda sent: sent.assign(valence=1.5), "V03 value out of range"),
        (lambda sent: sent.assign(valence=-5), "V04 sentinel as prediction"),
        (lambda sent: sent.assign(expression=1.5), "V05 class is not an integer"),
        (lambda sent: sent.assign(expression=8), "V06 class out of range"),
        (lambda sent: sent.assign(AU1=0.5), "V07 action unit or label neither 0 nor 1"),
        (lambda sent: sent.assign(AU1=True), "V01 not a number: found AU1 = True"),
        (lambda sent: sent.assign(valence="high\n, 1"), "V01 not a number: found valence = 'high"),
        (lambda sent: sent.assign(valence=[[]] * len(sent)), "V01 not a number: found valence = []"),
        (lambda sent: sent.assign(id=sent["id"] + "\u2028\x1b[2J"), "T01 rows missing"),
    ],
)
def test_a_team_sees_what_is_wrong(mtl, change, words):
    text = refused(mtl, change)
    assert words in text
    assert text.isascii()
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_fault_is_told_with_the_id_of_its_row(mtl):
    solution = mtl.solution
    row = solution[ID].iloc[4]

    def change(sent):
        sent.loc[sent[ID] == row, "expression"] = 9
        return sent.sample(frac=1, random_state=3)

    assert f"row {row}: found " in refused(mtl, change)


def test_a_fault_in_files_of_units_is_told_with_the_id_of_its_row(made_of):
    made = made_of("abaw10-vd")
    metric, solution, submission = made.metric, made.solution, made.submission.copy()
    row = solution[ID].iloc[40]
    submission.loc[submission[ID] == row, "violence"] = 3
    with pytest.raises(metric.ParticipantVisibleError, match=f"row {row}: found "):
        metric.score(solution, submission, ID)


def test_messages_are_the_same_for_two_truths(mtl):
    metric, solution, submission = mtl.metric, mtl.solution, mtl.submission
    values = [name for name in submission.columns if name != ID]
    other = solution.assign(**{name: solution[name].to_numpy()[::-1] for name in values})
    for change in (
        lambda sent: sent.iloc[:-3],
        lambda sent: sent.assign(valence=7),
        lambda sent: sent.assign(expression=np.where(sent.index % 2, -1, sent["expression"])),
        lambda sent: sent.assign(arousal=np.nan),
    ):
        texts = []
        for truth in (solution, other):
            with pytest.raises(metric.ParticipantVisibleError) as caught:
                metric.score(truth, change(submission.copy()), ID)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda truth: truth.drop(columns="valence"),
        lambda truth: truth.drop(columns="place_in_truth"),
        lambda truth: pd.concat([truth, truth.iloc[:1]]),
        lambda truth: truth.iloc[:0],
        lambda truth: truth.assign(expression=11),
        lambda truth: truth.assign(valence="secret"),
        lambda truth: truth.assign(valence=np.nan),
        lambda truth: truth.assign(unit_name=None),
        lambda truth: truth.assign(valence=-5, arousal=-5, expression=-1),
    ],
)
def test_a_fault_of_the_solution_is_for_the_organisers_alone(mtl, change):
    metric, solution, submission = mtl.metric, mtl.solution, mtl.submission
    with pytest.raises(metric.HostVisibleError):
        metric.score(change(solution.copy()), submission, ID)


def test_every_argument_is_annotated_with_a_class(mtl):
    metric = mtl.metric
    signature = inspect.signature(metric.score)
    assert {name: part.annotation for name, part in signature.parameters.items()} == {
        "solution": pd.DataFrame,
        "submission": pd.DataFrame,
        "row_id_column_name": str,
    }
    assert signature.return_annotation is float
    assert issubclass(metric.ParticipantVisibleError, Exception)
    assert not issubclass(metric.HostVisibleError, metric.ParticipantVisibleError)


def test_the_metric_imports_nothing_of_the_package(mtl):
    text = (mtl.content / "metric.py").read_text()
    assert text.isascii()
    assert "import abawbench" not in text
    assert "from abawbench" not in text


def test_the_same_event_gives_the_same_bytes(made_of, tmp_path):
    made = made_of("abaw11-ah")
    again = kaggle.make(made.files.event, made.files.truths, made.files.templates, tmp_path / "again", DATE)
    assert again.archive.read_bytes() == (made.content.parent / again.archive.name).read_bytes()


def test_the_texts_describe_columns_ids_and_settings(mtl):
    content = mtl.content
    evaluation = (content / "evaluation.md").read_text()
    assert "| expression | 0 Neutral, 1 Anger" in evaluation
    assert "`#2`" in evaluation
    readme = (content / "README.md").read_text()
    assert "2026-07-17 11:59:59 UTC" in readme
    assert "submissions a day: 2" in readme
    assert {path.name for path in content.iterdir()} == {
        "README.md",
        "data.md",
        "evaluation.md",
        "metric.py",
        "overview.md",
        "rules.md",
        "sample_submission.csv",
        "solution.csv",
    }


def test_the_phase_that_begins_last_is_taken_and_told(tmp_path):
    files = files_of("abaw4-mtl", tmp_path)
    other = write(sample(get("abaw4-mtl"), units=3, rows=9).truth, tmp_path / "other")
    lists = write(sample(get("abaw4-mtl"), units=3, rows=9).template, tmp_path / "lists")
    bundle = kaggle.make(
        files.event, {**files.truths, "val": other}, {**files.templates, "val": lists}, tmp_path / "bundle", DATE
    )
    assert len(solution_of(bundle.content)) == len(files.truth.read_text().splitlines()) - 1
    assert any("2 phases" in note.found for note in bundle.notes)


def test_a_truth_of_too_few_videos_is_refused(tmp_path):
    files = files_of("abaw4-mtl", tmp_path)
    lines = files.truth.read_text().splitlines(keepends=True)
    first = lines[1].partition("/")[0]
    one = [line for line in lines[1:] if line.startswith(f"{first}/")]
    files.truth.write_text("".join([lines[0], *one]))
    files.template.write_text("".join([lines[0], *(f"{line.partition(',')[0]}\n" for line in one)]))
    with pytest.raises(ProblemError) as caught:
        bundle_of(files, tmp_path / "bundle")
    assert {problem.rule for problem in caught.value.problems} == {"O10"}
    assert not (tmp_path / "bundle").exists()


def test_columns_and_names_that_a_table_cannot_hold_are_refused(tmp_path):
    files = files_of("abaw4-lsd", tmp_path)
    task = replace(files.event.challenge.tasks[0], name="id")
    challenge = replace(files.event.challenge, tasks=(task,))
    table = read_truth(files.event.challenge, files.truth)
    odd = replace(table, videos=tuple(f'{name}"' for name in table.videos))
    with pytest.raises(ProblemError) as caught:
        kaggle._require_names(replace(files.event, challenge=challenge), prediction_layouts(challenge)[0], odd)
    assert [problem.rule for problem in caught.value.problems] == ["O11"] * 4


def test_a_notebook_of_kaggle_runs_the_metric_as_it_is(mtl, capsys):
    content = mtl.content
    metric_of(content)
    assert capsys.readouterr().out == ""
    assert sys.modules["__main__"].__name__ == "__main__"
    assert pd.read_csv(io.BytesIO((content / "sample_submission.csv").read_bytes())).columns[0] == ID
