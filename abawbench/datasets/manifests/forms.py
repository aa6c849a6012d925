"""Forms of labels that a manifest can name."""

from __future__ import annotations

# name of a reader -> module:function, imported when it is used
READERS: dict[str, str] = {
    # ABAW sets and sets in the wild
    "arrays": "abawbench.datasets.readers.arrays:read_arrays",
    "class-folders": "abawbench.datasets.readers.folders:read_class_folders",
    "ferplus": "abawbench.datasets.readers.ferplus:read_ferplus",
    "official": "abawbench.datasets.readers.abaw:read_official",
    "official-list": "abawbench.datasets.readers.abaw:read_official_list",
    "table": "abawbench.datasets.readers.tables:read_table",
    # laboratory sets, action units, attributes
    "attributes": "abawbench.datasets.readers.attributes:read_attributes",
    "emotion-files": "abawbench.datasets.readers.sequences:read_emotion_files",
    "expression-folders": "abawbench.datasets.readers.sequences:read_expression_folders",
    "facs-files": "abawbench.datasets.readers.sequences:read_facs_files",
    "sessions": "abawbench.datasets.readers.sessions:read_sessions",
    "action-unit-files": "abawbench.datasets.readers.intensity:read_action_unit_files",
    "action-unit-tables": "abawbench.datasets.readers.occurrence:read_action_unit_tables",
    "votes": "abawbench.datasets.readers.votes:read_votes",
}
