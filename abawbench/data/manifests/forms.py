"""Forms of labels that a manifest can name."""

from __future__ import annotations

# name of a reader -> module:function, imported when it is used
READERS: dict[str, str] = {
    # ABAW sets and sets in the wild
    "arrays": "abawbench.data.readers.arrays:read_arrays",
    "class-folders": "abawbench.data.readers.folders:read_class_folders",
    "ferplus": "abawbench.data.readers.ferplus:read_ferplus",
    "official": "abawbench.data.readers.abaw:read_official",
    "official-list": "abawbench.data.readers.abaw:read_official_list",
    "table": "abawbench.data.readers.tables:read_table",
    # laboratory sets, action units, attributes
    "attributes": "abawbench.data.readers.attributes:read_attributes",
    "emotion-files": "abawbench.data.readers.sequences:read_emotion_files",
    "expression-folders": "abawbench.data.readers.sequences:read_expression_folders",
    "facs-files": "abawbench.data.readers.sequences:read_facs_files",
    "sessions": "abawbench.data.readers.sessions:read_sessions",
    "action-unit-files": "abawbench.data.readers.intensity:read_action_unit_files",
    "action-unit-tables": "abawbench.data.readers.occurrence:read_action_unit_tables",
    "votes": "abawbench.data.readers.votes:read_votes",
}
