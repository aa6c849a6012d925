"""A record as Every Eval Ever has it: the JSON schema of the EvalEval coalition for results of evaluations.

Source: github.com/evaleval/every_eval_ever, eval.schema.json 0.3.0.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime, time
from typing import Any

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.challenges import get
from abawbench.exports.figures import Figure, figures_of
from abawbench.records.model import Record
from abawbench.scoring.intervals import KINDS

SCHEMA_VERSION = "0.3.0"
BOOTSTRAPS = frozenset(KINDS[kind] for kind in ("bca", "percentile"))
RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")


def every_eval_ever(record: Record, evaluator: str, relationship: str) -> dict[str, bytes]:
    """The file of a record, by its path in a datastore: data/<challenge>/<team>/<entry>/<id>.json.

    Equal records give equal bytes: id and times follow from the record, never from a clock.

    Args:
        record: the record.
        evaluator: name of the person or the organisation that made the score.
        relationship: one of `RELATIONSHIPS`, to the makers of the entry.

    Raises:
        ProblemError: C02, another relationship, or the name of the entry does not say whose it is.
    """
    if relationship not in RELATIONSHIPS:
        found, fix = f"relationship {relationship}", did_you_mean(relationship, RELATIONSHIPS)
        raise ProblemError(Problem("C02", found, f"one of {', '.join(RELATIONSHIPS)}", fix))
    team = _team(record)
    challenge = get(record.challenge)
    moment = datetime.combine(record.date, time(), UTC)
    stamp = str(int(moment.timestamp()))
    model = f"{team}/{record.entry}"
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{record.challenge}.{record.split}/{model}/{stamp}",
        "evaluation_timestamp": moment.isoformat(),
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": "a record of abawbench",
            "source_type": "evaluation_run",
            "source_organization_name": evaluator,
            "evaluator_relationship": relationship,
        },
        "eval_library": {
            "name": "abawbench",
            "version": record.versions.abawbench,
            "additional_details": {"numpy": record.versions.numpy, "python": record.versions.python},
        },
        "model_info": {
            "name": record.entry,
            "id": model,
            "developer": team,
            "additional_details": {
                "deployment_type": "unknown",
                "model_availability": "unknown",
                **_texts(record.disclosure.model_dump()),
            },
        },
        "evaluation_results": [_result(record, figure, challenge.metric.formula) for figure in figures_of(record)],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    digest = hashlib.sha256(record.to_text().encode()).digest()
    name = uuid.UUID(bytes=digest[:16], version=4)
    return {f"data/{record.challenge}/{model}/{name}.json": text.encode()}


def _team(record: Record) -> str:
    parts = record.entry.split("_", 2)
    if len(parts) != 3 or not all(parts):
        expected = "<year>_<team>_<method>, which says whose model it is"
        fix = "score it again under such a name"
        raise ProblemError(Problem("C02", f"a record of {record.entry}", expected, fix))
    return parts[1]


def _result(record: Record, figure: Figure, formula: str) -> dict[str, Any]:
    about = {"path": ".".join(figure.path)} | ({"formula": formula} if figure.path == ("score",) else {})
    details: dict[str, Any] = {"score": figure.value}
    if figure.interval is not None:
        kind, (low, high) = figure.interval
        intervals = record.intervals
        details["uncertainty"] = {
            "confidence_interval": {
                "lower": low,
                "upper": high,
                "confidence_level": intervals.level,
                "method": f"{kind}{' bootstrap' if kind in BOOTSTRAPS else ''} over {intervals.unit}s",
            },
            "num_samples": intervals.clusters,
            # a jackknife has none, and those of a cross-fitted interval are in the file of tuned values
            **({"num_bootstrap_samples": intervals.resamples} if kind in BOOTSTRAPS else {}),
        }
    return {
        "evaluation_result_id": f"{record.challenge}.{record.split}.{figure.name}",
        "evaluation_name": f"{record.challenge}, {record.split}",
        "source_data": {
            "dataset_name": record.dataset,
            "source_type": "other",
            "additional_details": {
                "challenge": record.challenge,
                "fingerprint": record.fingerprint,
                "split": record.split,
                "rows": str(record.rows.labelled),
                "units": str(record.rows.units),
                "rows_filled": str(sum(record.fill.rows.values())),
                "truth_sha256": record.truth_sha256,
                "prediction_sha256": record.prediction_sha256,
            },
        },
        "metric_config": {
            "metric_id": f"abawbench.{figure.name}",
            "metric_name": figure.name,
            "metric_kind": figure.criterion,
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": figure.low,
            "max_score": figure.high,
            "additional_details": about,
        },
        "score_details": details,
    }


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    """The fields as texts, which is all that the schema takes there."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in fields.items()
    }
