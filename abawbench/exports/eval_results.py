"""A record as an entry of `.eval_results/*.yaml`, by which the Hugging Face Hub shows scores beside a model.

Source: huggingface_hub's `EvalResultEntry`; hub-docs, eval_results.yaml.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.exports.figures import SCORE, figures_of
from abawbench.exports.model_card import interval_text, size_text
from abawbench.exports.yaml_text import to_yaml
from abawbench.records.model import Record

DATASET = re.compile(r"[\w.-]+/[\w.-]+")


def eval_results(record: Record, dataset: str) -> dict[str, bytes]:
    """The official score of a record as .eval_results/<challenge>.<split>.yaml.

    Args:
        record: the record.
        dataset: id of the benchmark on the Hub, as `owner/name`; its task is the id of the challenge.

    Raises:
        ProblemError: C02, another form of id, or a record without a score.
    """
    if not DATASET.fullmatch(dataset):
        fix = "name the data set of the benchmark on the Hub"
        raise ProblemError(Problem("C02", f"the data set '{dataset}'", "an id, as owner/name", fix))
    score = next((figure for figure in figures_of(record) if figure.path == SCORE), None)
    if score is None:
        fix = "export it as every-eval-ever, which takes its other figures"
        raise ProblemError(Problem("C02", f"a record of {record.challenge} without a score", "a score", fix))
    notes = [f"{record.split} split of {record.dataset}", size_text(record)]
    if score.interval is not None:
        notes.insert(0, interval_text(record, score))
    if record.disclosure.synthetic_truth:
        notes.append("the truth is generated, not annotated")
    entry: dict[str, Any] = {
        "dataset": {"id": dataset, "task_id": record.challenge},
        "value": score.value,
        "date": datetime.combine(record.date, time(), UTC).isoformat(),
        "notes": "; ".join(notes),
    }
    return {f".eval_results/{record.challenge}.{record.split}.yaml": to_yaml([entry]).encode()}
