"""The catalogue of rules: an id keeps its meaning for ever; messages, help and documentation are made from it.

Families: F a text file, V a value in it, T rows against the list or the truth, Z a folder or zip to submit, C a
choice of challenge or option, D data sets, pictures and videos, R a record, L the leaderboard, E an entry, P a
prediction store, N a note (accepted, yet reported).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's title (a few words, as a heading) and what it asks for (a sentence or two)."""

    title: str
    demand: str


RULES: dict[str, Rule] = {
    "F01": Rule("file not found or not readable", "The path names a file or folder that can be read."),
    "F02": Rule("empty file", "The file holds at least one row."),
    "F03": Rule("wrong encoding", "Text is UTF-8 without NUL bytes."),
    "F04": Rule("wrong header", "The first line is the header of the format, letter for letter."),
    "F05": Rule("last line cut off", "The last line is whole and ends with a line feed."),
    "F06": Rule("wrong number of columns", "Every row has the columns of the format, no more and no fewer."),
    "F07": Rule("quoted text", "No field is quoted: the class names of the header are columns of their own."),
    "F08": Rule("trailing comma", "A submitted line does not end with a comma or a blank."),
    "F09": Rule("blank inside a line", "The line holds no blank where the format allows none."),
    "F10": Rule("blank line", "No line between the first and the last row is empty."),
    "F11": Rule("header in a file without header", "The format has no header; the first line is already a row."),
    "V01": Rule("not a number", "The value is a finite number; NaN and empty values are none."),
    "V02": Rule("infinite value", "The value is finite."),
    "V03": Rule("value out of range", "The value lies in the range of its column."),
    "V04": Rule("sentinel as prediction", "Sentinels mark missing annotations; a prediction is a value."),
    "V05": Rule("class is not an integer", "The class is written as an integer, without a decimal point."),
    "V06": Rule("class out of range", "The class is an index into the class list of the challenge."),
    "V07": Rule("action unit or label neither 0 nor 1", "The value is 0 or 1: thresholds are applied before writing."),
    "V08": Rule("probabilities do not sum to exactly 1", "float(p0) + float(p1) == 1.0 in double precision."),
    "V09": Rule("annotation outside its values", "An annotation is in range or is the sentinel."),
    "T01": Rule("rows missing", "Every row of the list, or every annotated row of the truth, has a prediction."),
    "T02": Rule("rows not asked for", "There is no row that the list or the truth does not have."),
    "T03": Rule("rows repeated", "A row occurs as often as in the list."),
    "T04": Rule("repetition lost", "A row that the list repeats is repeated as often in the prediction."),
    "T05": Rule("rows in another order", "Rows stand in the order of the list."),
    "T06": Rule("wrong row name", "Row names are those of the list: frames from 1, five digits, forward slashes."),
    "T07": Rule("wrong number of lines in a unit", "A unit's file has one line for each frame that is asked for."),
    "T08": Rule("file missing", "There is one file for each unit of the list."),
    "T09": Rule("file not asked for", "There is no file for a unit that the list does not have."),
    "T10": Rule("nothing to score", "Truth and prediction share at least one annotated row for each task."),
    "T11": Rule("partly annotated row", "Sentinels come for the whole of a task; both readings are given."),
    "Z01": Rule("not a readable zip", "The archive opens and every member's checksum agrees."),
    "Z02": Rule("path escapes the archive", "Member names are relative, without '..', drive letters or backslashes."),
    "Z03": Rule("link in the archive", "The archive holds plain files only."),
    "Z04": Rule("archive too large when opened", "The archive unpacks to a size in proportion to what it holds."),
    "Z05": Rule("archive inside the archive", "The archive holds text files only."),
    "Z06": Rule("too many trials", "A submission has at most as many trials as the challenge allows."),
    "Z07": Rule("member twice in the archive", "Every member name occurs once."),
    "Z08": Rule("archive holds nothing to check", "The archive holds a prediction file, or one for each unit."),
    "C01": Rule("unknown challenge", "The id is one of those that `abawbench challenges` lists."),
    "C02": Rule("wrong use", "Options and inputs go together as the help says."),
    "C03": Rule("format not read here", "The file has one of the formats of the challenge."),
    "D01": Rule(
        "manifest does not hold together", "A manifest has the fields of the schema, and what it names exists."
    ),
    "D02": Rule("unknown data set", "The name is one of those that `abawbench data list` shows."),
    "D03": Rule("part of a data set missing", "A local copy has every place of the layout that its manifest requires."),
    "D04": Rule("count differs", "A split of a local copy is as large as the manifest says."),
    "D05": Rule("picture without label", "Pictures beside labelled ones have a row; crops end where the labels end."),
    "D06": Rule("person or video in two splits", "A person, or a video with its persons, is in one split."),
    "D10": Rule(
        "picture missing", "A labelled picture lies where the manifest says; a copy without any is one of labels."
    ),
    "D11": Rule("unit in two splits", "A video or picture belongs to one split of a label set."),
    "D12": Rule("two files for one unit", "The labels of a video are in one file."),
    "D13": Rule("labels beyond the video", "A video's labels end where it ends, give or take two frames."),
    "D14": Rule("folder that is no class", "Each folder of pictures has the name of a class."),
    "D15": Rule("label set not named", "Of a data set with several kinds of labels one is named."),
    "D16": Rule("files of one unit disagree", "The files of one video label the same frames."),
    "D17": Rule("XML with a document type", "An XML file declares no document type and no entities."),
    "D20": Rule("nothing of this name to fetch", "The name is one of those that `abawbench data fetch` lists."),
    "D21": Rule("download failed", "The address answers, and sends the whole file."),
    "D22": Rule("another file than published", "The file has the hash that is pinned, published, or recorded before."),
    "D23": Rule(
        "folds of other data", "A file of folds has the hash of its content, and its units are those of the data."
    ),
    "D24": Rule("too few groups for the folds", "There are at least as many videos or subjects as folds."),
    "D25": Rule("names that both parts have", "No video, person in a video, or subject is in both parts."),
    "D26": Rule("files that both parts have", "No picture or video of one part is in the other, byte for byte."),
    "D27": Rule("near-duplicate pictures", "No picture of one part looks like one of the other."),
    "D28": Rule("data sets that overlap", "The data sets share no pictures and no subjects, as far as is known."),
    "D29": Rule("training data that the challenge forbids", "A model has seen only data that the rules allow."),
    "D30": Rule("nothing to take faces from", "The folder holds videos or pictures, or folders of them."),
    "D31": Rule("two files for one unit", "Every unit, and every frame of it, comes from one file."),
    "D32": Rule("damaged video", "Every packet of a video decodes, up to the end that its header promises."),
    "D33": Rule("no frame", "A video holds at least one picture that decodes."),
    "D34": Rule("wrong override", "A row names a video, frames and a face of it: a track, left, right or none."),
    "D35": Rule("something else in the way", "Crops are only replaced where `abawbench faces` wrote them."),
    "D36": Rule("another run is at work", "One run at a time writes into a folder."),
    "D37": Rule("video not finished", "A process that does a video is left to do it to its end."),
    "D50": Rule("another synthetic corpus there", "A folder holds one corpus: equal settings and version."),
    "D51": Rule("folder holds something else", "A corpus is written into a new or empty folder, or into its own."),
    "D52": Rule(
        "settings that make no corpus", "There are videos for three splits, frames, and quirks by their names."
    ),
    "D53": Rule("library missing", "What a verb works with is installed: an extra of abawbench brings it."),
    "D54": Rule("drawing cut short", "The processes that draw are not ended from outside."),
    "R01": Rule("record does not hold together", "A record has all its fields, and its path says what it holds."),
    "R02": Rule("record of another challenge definition", "The record's fingerprint is that of the challenge today."),
    "L01": Rule("stale table", "The committed table is what `abawbench leaderboard build` writes."),
    "L02": Rule("wrong published fact", "A published row has a known challenge, a split, numbers and a source."),
    "E01": Rule("unknown entry", "The name is that of an entry, a folder of submissions/ or module:factory."),
    "E02": Rule("incomplete entry", "entry.toml has every field, and what it promises is there."),
    "E03": Rule("no face found", "The picture holds a face that the detector sees."),
    "E04": Rule(
        "another file than expected", "A file of weights or coefficients has the SHA-256 or the form that is asked for."
    ),
    "E05": Rule("landmarks fix no alignment", "The landmarks of a face are finite and do not all lie on one spot."),
    "E06": Rule(
        "input of another type or shape", "Pictures are 8-bit, grey, RGB or RGBA; crops have the size of the card."
    ),
    "E07": Rule("nothing to learn from", "The truth has an annotated row, with a crop, for one task at least."),
    "E08": Rule(
        "weights of another architecture", "A checkpoint has every tensor of the network, in the shape it has there."
    ),
    "E09": Rule("file that would run code", "A checkpoint holds tensors and plain values; no pickled class is opened."),
    "E10": Rule("checkpoint of unknown kind", "The keys of a checkpoint are those of a kind that is read here."),
    "E11": Rule("weights missing", "The weights that an entry asks for lie where it says; users bring them."),
    "E12": Rule("entry failed", "An entry answers every clip without an exception of its own."),
    "E13": Rule("answer of another shape", "An entry gives each of its tasks one row a frame and one column a name."),
    "E14": Rule(
        "answer out of range",
        "On valid frames values are finite and in range, probabilities sum to 1; elsewhere they are NaN.",
    ),
    "E15": Rule("answer that is not repeated", "The same crops get the same answer: again, alone, or beside others."),
    "E16": Rule("incomplete card", "A card says what an entry takes, gives and was trained on, and its licence."),
    "E17": Rule("network that does not hold together", "Widths, layers, heads and the feedback graph fit each other."),
    "E18": Rule("output of another tool", "A table of a toolkit has the columns of that toolkit, a row a frame."),
    "E19": Rule("training that cannot begin", "Settings, labels and crops or features of a training fit each other."),
    "E20": Rule("run of another configuration", "A run folder holds one training: equal settings, data and versions."),
    "E21": Rule("cache that does not hold", "Cached features are whole, and made from what lies there now."),
    "E22": Rule("numbers that ran away", "Losses and weights stay finite."),
    "P01": Rule("store of another entry", "A prediction store holds the answers of one entry."),
    "P02": Rule("damaged store", "Every unit of a store has its two files, and they are what was written."),
    "P03": Rule("nothing to predict", "The data are crops, features, pictures or videos with at least one frame."),
    "P04": Rule("features of another width", "Features have as many columns as the entry's networks make."),
    "P05": Rule("bfloat16 too far off", "On the first batch answers in bfloat16 are those in float32, nearly."),
    "N01": Rule("Windows line ends", "Lines end with a line feed alone."),
    "N02": Rule("byte order mark", "The file begins with its first character."),
    "N03": Rule("blank last line", "The file ends after its last row."),
    "N04": Rule("rows aligned by name", "Rows were in another order than the truth and were matched by name."),
    "N05": Rule("training data that another edition forbids", "Rules of later editions are kept in earlier ones too."),
}

FAMILIES = {
    "F": "A text file",
    "V": "A value in it",
    "T": "Rows against the list or the truth",
    "Z": "A folder or zip to submit",
    "C": "A choice of challenge or option",
    "D": "Data sets, pictures and videos",
    "R": "A record",
    "L": "The leaderboard",
    "E": "An entry",
    "P": "A prediction store",
    "N": "A note: accepted, yet reported",
}


def catalogue() -> str:
    """All rules as Markdown: the text of docs/rules.md."""
    lines = [
        "# Rules",
        "",
        "Every message begins with the id of its rule. An id keeps its meaning for ever. This page is made from",
        "`abawbench/base/rules.py` by `make tables`.",
    ]
    for family, heading in FAMILIES.items():
        lines += ["", f"## {family}: {heading}", "", "| id | what is wrong | what is asked for |", "|---|---|---|"]
        lines += [f"| {name} | {rule.title} | {rule.demand} |" for name, rule in RULES.items() if name[0] == family]
    return "\n".join(lines) + "\n"
