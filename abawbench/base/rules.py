"""The catalogue of rules, from which messages, help and documentation are made. An id keeps its meaning for ever."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        title: name of the fault, used as the heading of a message.
        requirement: the rule in a sentence or two.
    """

    title: str
    requirement: str


RULES: dict[str, Rule] = {
    "F01": Rule(
        "file or folder not found, not readable or not writable",
        "The path leads to a file or folder that can be read, or to a place that can be written.",
    ),
    "F02": Rule("empty file", "The file holds at least one row."),
    "F03": Rule("wrong encoding", "The file is UTF-8 text without NUL bytes."),
    "F04": Rule("wrong header", "The first line is the header of the format, letter for letter."),
    "F05": Rule("last line cut off", "The last line is whole and ends with a line feed."),
    "F06": Rule("wrong number of columns", "Every row has the columns of the format, no more and no fewer."),
    "F07": Rule("quoted text", "No field is quoted; each name of the header is a column of its own."),
    "F08": Rule("comma or blank at the end of a line", "No line of a submission ends with a comma or a blank."),
    "F09": Rule("blank inside a line", "A line holds no blanks where the format allows none."),
    "F10": Rule("blank line", "No line between the first row and the last is empty."),
    "F11": Rule("header in a file without header", "The format has no header: the first line is a row."),
    "F12": Rule(
        "output in the place of something else",
        "An output is a new file or replaces a plain one; it is no input of the same call, no device, pipe or socket.",
    ),
    "F13": Rule(
        "other separators", "Fields are separated by commas; numbers have a decimal point and no other separator."
    ),
    "F14": Rule("column of row numbers", "A row begins with its name, or its first value, and not with an index."),
    "F15": Rule("comment", "A file holds its header and its rows alone."),
    "F16": Rule("header again", "The header is the first line and no other."),
    "F17": Rule("rows of the sample", "Answers stand in the place of the sample's values, not behind them."),
    "F18": Rule("printed array or tensor", "A value is a number alone, without the text in which a library prints it."),
    "F19": Rule("name that is not UTF-8", "Names of files and folders are UTF-8 text."),
    "V01": Rule("not a number", "The value is a finite number; NaN and an empty field are no numbers."),
    "V02": Rule("infinite value", "The value is finite."),
    "V03": Rule("value out of range", "The value lies in the range of its column."),
    "V04": Rule(
        "sentinel as prediction", "A prediction is a value of its column. Sentinels mark missing annotations only."
    ),
    "V05": Rule("class is not an integer", "A class is written as an integer, without a decimal point."),
    "V06": Rule("class out of range", "A class is an index into the challenge's list of classes, counted from 0."),
    "V07": Rule("action unit or label neither 0 nor 1", "The value is 0 or 1; thresholds are applied before writing."),
    "V08": Rule("probabilities do not sum to exactly 1", "float(p0) + float(p1) == 1.0 in double precision."),
    "V09": Rule("annotation outside its values", "An annotation lies in the range of its column, or is the sentinel."),
    "T01": Rule("rows missing", "Every row of the list, or every annotated row of the truth, has a prediction."),
    "T02": Rule("rows not asked for", "Every row is in the list or in the truth."),
    "T03": Rule("rows repeated", "A row occurs as often as in the list."),
    "T04": Rule("repetition lost", "A row that the list repeats is repeated as often in the prediction."),
    "T05": Rule("rows in the wrong order", "Rows are in the order of the list."),
    "T06": Rule("wrong row name", "Names of rows are those of the list: frames from 1, five digits, forward slashes."),
    "T07": Rule("wrong number of lines in a unit", "The file of a unit has one line for each frame that is asked for."),
    "T08": Rule("file missing", "Every unit of the list has a file."),
    "T09": Rule("file not asked for", "Every file belongs to a unit of the list."),
    "T10": Rule("nothing to score", "For each task, truth and prediction have at least one annotated row in common."),
    "T11": Rule(
        "partly annotated row",
        "A task is annotated in a row either as a whole or not at all; scores are given for both readings.",
    ),
    "T12": Rule(
        "too many rows filled",
        "At most half of the rows are filled by a policy; `--allow-filled` takes another share, from 0 to 1.",
    ),
    "T13": Rule("no positive", "A task of labels has a positive of some label among its annotated rows."),
    "Z01": Rule("not a readable zip", "The archive opens, and the checksum of every member agrees."),
    "Z02": Rule(
        "path escapes the archive", "Names of members are relative paths without '..', drive letters and backslashes."
    ),
    "Z03": Rule("link in the archive", "The archive holds plain files only."),
    "Z04": Rule("archive too large when unpacked", "The unpacked size is in proportion to the size of the archive."),
    "Z05": Rule("archive inside the archive", "The archive holds text files only."),
    "Z06": Rule("too many trials", "A submission has at most as many trials as the challenge allows."),
    "Z07": Rule("member twice in the archive", "The name of every member occurs once."),
    "Z08": Rule(
        "archive holds nothing to check", "The archive or folder holds a prediction file, or one file for each unit."
    ),
    "Z09": Rule("answers in several files", "A trial of a challenge with one file for all units is one file."),
    "Z10": Rule("columns in folders of their own", "The file of a unit holds all columns."),
    "C01": Rule("unknown challenge", "The id is one of those that `abawbench challenges` lists."),
    "C02": Rule("wrong use", "Options and inputs fit each other, as the help describes."),
    "C03": Rule("unknown format", "The file is in one of the formats of the challenge."),
    "C04": Rule("challenge that is no TOML", "The file of a challenge of your own is TOML, in UTF-8."),
    "C05": Rule(
        "field of a challenge",
        "A challenge of your own has the fields of `abawbench challenges new`, each of its type.",
    ),
    "C06": Rule(
        "challenge that contradicts itself",
        "Tasks, metric, formats and sizes of a challenge of your own fit each other.",
    ),
    "C07": Rule(
        "id of a challenge",
        "A challenge of your own has an id that the catalogue does not have, made of its edition and track.",
    ),
    "C08": Rule("field without a source", "Every field of a challenge has a source, or `assumed: ` and the reason."),
    "C09": Rule("challenge in two files", "Each id of a challenge of your own belongs to one file."),
    "D01": Rule(
        "inconsistent manifest",
        "A manifest has the fields of the schema, and everything that it names exists.",
    ),
    "D02": Rule("unknown data set", "The name is one of those that `abawbench data list` shows."),
    "D03": Rule("part of a data set missing", "A local copy has every file and folder that its manifest requires."),
    "D04": Rule("count differs", "A split of a local copy is as large as the manifest says."),
    "D05": Rule(
        "picture without label", "Every picture beside labelled pictures has a label; crops end where the labels end."
    ),
    "D06": Rule("person or video in two splits", "A person, and a video with its persons, belongs to one split."),
    "D10": Rule(
        "picture missing", "Every labelled picture lies where the manifest says, unless the copy holds labels alone."
    ),
    "D11": Rule("unit in two splits", "A video or picture belongs to one split of a label set."),
    "D12": Rule("two files for one unit", "The labels of a video are in one file."),
    "D13": Rule("labels beyond the video", "The labels of a video end where it ends, give or take two frames."),
    "D14": Rule("folder that is not a class", "Each folder of pictures has the name of a class."),
    "D15": Rule("label set not named", "For a data set with several label sets, one of them is named."),
    "D16": Rule("files of one unit disagree", "All label files of a video label the same frames."),
    "D17": Rule("XML with a document type", "An XML file declares neither a document type nor entities."),
    "D20": Rule("nothing to fetch by this name", "The name is one of those that `abawbench data fetch` lists."),
    "D21": Rule("download failed", "The address answers and sends the whole file."),
    "D22": Rule(
        "file differs from the published one", "The file has the hash that is pinned, published, or recorded earlier."
    ),
    "D23": Rule(
        "folds of other data", "A file of folds has the hash of its content, and its units are those of the data."
    ),
    "D24": Rule("too few groups for the folds", "There are at least as many videos or subjects as folds."),
    "D25": Rule("names in both parts", "No video, person in a video, or subject is in both parts."),
    "D26": Rule("files in both parts", "No picture or video of one part equals one of the other, byte for byte."),
    "D27": Rule("near-duplicate pictures", "No picture of one part looks like a picture of the other."),
    "D28": Rule(
        "data sets that overlap", "The data sets have no pictures and no subjects in common, as far as is known."
    ),
    "D29": Rule(
        "training data that the challenge forbids",
        "A model was trained only on data that the rules of the challenge allow.",
    ),
    "D30": Rule("nothing to take faces from", "The folder holds videos or pictures, or folders of them."),
    "D31": Rule("two files for one unit", "Every unit, and every frame of it, comes from one file."),
    "D32": Rule("damaged video", "Every packet of a video decodes, up to the end that its header announces."),
    "D33": Rule("no frame", "A video has at least one frame that decodes."),
    "D34": Rule("wrong override", "A row names a video, frames, and one of its faces: a track, left, right, or none."),
    "D35": Rule("crops of another origin in the way", "Only crops that `abawbench faces` wrote are replaced."),
    "D36": Rule("another run is at work", "Only one run at a time writes into a folder."),
    "D37": Rule("video not finished", "The process that works on a video runs to its end."),
    "D38": Rule("crops of another kind in the folder", "A folder holds crops of one kind and one size."),
    "D50": Rule(
        "another synthetic corpus in the folder", "A folder holds one corpus, made with the same settings and version."
    ),
    "D51": Rule("something else in the folder", "A corpus is written into a new or empty folder, or into its own."),
    "D52": Rule(
        "settings that give no corpus", "There are videos for three splits, enough frames, and only known quirks."
    ),
    "D53": Rule(
        "library missing", "The libraries that a command needs are installed; an extra of abawbench brings them."
    ),
    "D54": Rule("drawing interrupted", "The processes that draw are not stopped from outside."),
    "R01": Rule("inconsistent record", "A record has all of its fields, and its path agrees with its content."),
    "R02": Rule("record of another challenge definition", "The fingerprint in a record is that of today's challenge."),
    "R03": Rule("wrong tuned values", "A file of tuned values has all of its fields, and they fit its challenge."),
    "R04": Rule(
        "tuned values of another entry",
        "Tuned values are applied to the entry and the challenge that they were fitted for, or with `--any-entry`.",
    ),
    "L01": Rule("stale table", "The committed table is the one that `abawbench leaderboard build` writes."),
    "L02": Rule(
        "wrong published fact",
        "A published row names a challenge that is known or described, its kind, a split, numbers and a source.",
    ),
    "L03": Rule(
        "page or run of no record",
        "A report, and a second run, lies at the path of the record that it belongs to.",
    ),
    "E01": Rule("unknown entry", "The name is that of an entry, of a folder of submissions/, or of a module:factory."),
    "E02": Rule("incomplete entry", "entry.toml has all of its fields, and what it names exists."),
    "E03": Rule("no face found", "The picture holds a face that the detector finds."),
    "E04": Rule(
        "file differs from the expected one",
        "A file of weights or coefficients has the SHA-256 or the form that is expected.",
    ),
    "E05": Rule("landmarks give no alignment", "The landmarks of a face are finite, and not all at one point."),
    "E06": Rule(
        "input of the wrong type or shape",
        "Pictures are 8-bit grey, RGB or RGBA; crops show what the card names, in its size.",
    ),
    "E07": Rule(
        "nothing to learn from", "The truth has at least one annotated row with a crop, for at least one task."
    ),
    "E08": Rule(
        "weights of another architecture",
        "A checkpoint has every tensor of the network, in the same shape, and nothing else but heads, decoders and "
        "losses.",
    ),
    "E09": Rule(
        "file that would run code", "A checkpoint holds tensors and plain values; pickled classes are never loaded."
    ),
    "E10": Rule(
        "unknown kind of checkpoint",
        "The keys of a checkpoint are those of a known kind of checkpoint. Where it holds several networks, the "
        "setting `branch` names one.",
    ),
    "E11": Rule("weights missing", "The weights that an entry needs are where it expects them; users supply them."),
    "E12": Rule("entry failed", "An entry answers every clip without raising an exception."),
    "E13": Rule(
        "answer of the wrong shape",
        "An answer has, for each task, one row for each frame and one column for each name.",
    ),
    "E14": Rule(
        "answer out of range",
        "On valid frames, values are finite and in range, and probabilities sum to 1; on all others they are NaN.",
    ),
    "E15": Rule(
        "answer differs when repeated", "The same crops get the same answer: again, alone, and beside other crops."
    ),
    "E16": Rule("incomplete card", "A card names the inputs, outputs, training data and licence of an entry."),
    "E17": Rule(
        "inconsistent network",
        "Widths, layers, heads and the feedback graph of a network fit each other.",
    ),
    "E18": Rule(
        "output of another tool", "A table of a toolkit has the columns of that toolkit and one row for each frame."
    ),
    "E19": Rule("training cannot begin", "The settings, labels, and crops or features of a training fit each other."),
    "E20": Rule(
        "run of another configuration", "A run folder holds one training, with the same settings, data and versions."
    ),
    "E21": Rule("stale or damaged cache", "Cached features are whole, and were made from the present files."),
    "E22": Rule("losses or weights not finite", "Losses and weights stay finite."),
    "E23": Rule(
        "entry without a generator",
        "An entry that gives faces another expression has `expressions` and `synthesise`, as those of FERSNet have.",
    ),
    "P01": Rule("store of another entry", "A prediction store holds the predictions of one entry."),
    "P02": Rule("damaged store", "Every unit of a store has its two files, with the bytes that were written."),
    "P03": Rule("nothing to predict", "The data are crops, features, pictures or videos, with at least one frame."),
    "P04": Rule(
        "features of other networks",
        "Features were made by the networks of the entry, as many as these make; several folders hold the same frames.",
    ),
    "P05": Rule("bfloat16 too inaccurate", "Results in bfloat16 are close to those in float32."),
    "P06": Rule(
        "synthesised faces of another run",
        "A folder holds the faces that one entry makes, with one set of expressions and versions.",
    ),
    "P07": Rule("store of another challenge", "A prediction store answers a task of the challenge that counts."),
    "P08": Rule(
        "stores that make no ensemble",
        "The members of an ensemble are different entries, some answer each task, and weights name the same ones.",
    ),
    "O01": Rule(
        "event file",
        "The file of an event is TOML with the keys of an event and no others, and every placeholder is filled in.",
    ),
    "O02": Rule(
        "date without quotes, time or zone",
        'A date is quoted text with a time and a zone, as `"2026-07-16 23:59:59 AoE"`. A zone is UTC, AoE, an offset '
        "such as +02:00, or a place such as Europe/London.",
    ),
    "O03": Rule(
        "phases that contradict each other",
        "An event has a phase at least; names and codenames are given once; a phase ends after it begins.",
    ),
    "O04": Rule(
        "name too long or of another form",
        "Titles and names have at most 100 characters, codenames at most 36, the least that a platform takes.",
    ),
    "O05": Rule(
        "text or picture of an event",
        "A text is a Markdown file, `.md` in UTF-8, that is not empty; a logo is a PNG or JPEG.",
    ),
    "O06": Rule("limit that is not positive", "Numbers of submissions and trials are whole numbers from 1."),
    "O07": Rule("event of another challenge", "The challenge that is named and that of the event are the same."),
    "O08": Rule(
        "truth or list of a phase missing",
        "Every phase has a truth, and every private phase a list; each belongs to a phase of the event.",
    ),
    "O09": Rule(
        "event that the platform cannot hold",
        "Challenge and phases are such that the platform can show and rank them; docs/bundles.md says what each needs.",
    ),
    "O10": Rule(
        "rows that cannot be split", "A truth for Kaggle has videos with annotated rows of every task for both boards."
    ),
    "O11": Rule(
        "name that a table cannot hold",
        "Names of videos and columns are such that a CSV file, and the files of the challenge, can hold them.",
    ),
    "O20": Rule(
        "part of a bundle missing or in the wrong place",
        "Every file that a bundle names is in it, the description in the root of the zip and the rest where it says.",
    ),
    "O21": Rule(
        "name too long, or given twice", "Titles, keys and codenames are short enough for the platform, each once."
    ),
    "O22": Rule(
        "date that the platform misreads",
        "A date stands in quotes and in UTC, with its time of day: without quotes the time is lost, and zones are too.",
    ),
    "O24": Rule(
        "program of a bundle that does not start", "The program and its command are where the platform looks for them."
    ),
    "O25": Rule(
        "scores that are no numbers", "A program ends with finite numbers, or with a message and without scores."
    ),
    "O26": Rule("scores under other names", "Every key, label and split of the board has its number each time."),
    "O27": Rule(
        "bad submission that is not refused",
        "A bad submission has no place on the board, does not count as finished, and its team reads what is wrong.",
    ),
    "O28": Rule(
        "good submission that gets no score, or another", "A good submission gets the score of `abawbench score`."
    ),
    "O29": Rule(
        "program that oversteps its bounds",
        "A program ends within its time, writes into its output alone, and runs nothing of a submission.",
    ),
    "O30": Rule("not a roster", "A roster is a CSV file with the columns team and address, and a row for each team."),
    "O31": Rule("name or address of two teams", "A name, an alias or an address belongs to one team of the roster."),
    "O32": Rule(
        "name or address that cannot be used", "Names are printable text, and addresses those of the internet."
    ),
    "O33": Rule(
        "team unknown", "A mail comes from an address of the roster, or lies in a folder with the name of its team."
    ),
    "O34": Rule("mail that cannot be read", "A mail has usual headers, one sender, and attachments that are whole."),
    "O35": Rule("no prediction in the mail", "A mail holds a prediction: files, or a zip of them."),
    "O36": Rule("outside the phase", "A mail comes after the phase begins and before its deadline."),
    "O37": Rule(
        "beyond the quota", "Trials count in the order of their dates, up to the number of a team, and of a day."
    ),
    "O38": Rule("mail without a date", "Where a deadline or a daily quota holds, a mail has a date."),
    "O39": Rule(
        "mail room of something else", "The files of a mail room are of one challenge, one truth and one list of rows."
    ),
    "O40": Rule("journal that cannot be read", "The files of a mail room are as `abawbench mailroom` wrote them."),
    "O41": Rule("same trial again", "A trial counts once, however often its bytes are sent."),
    "O42": Rule("names that cannot be files", "Files of units have plain, printable names, each once."),
    "O43": Rule("file far too large", "A trial has no more than a few lines for each row that is asked for."),
    "O50": Rule("no prediction in the folder", "A folder to score holds predictions: files, folders, or zips."),
    "O51": Rule(
        "predictions that cannot be told apart",
        "In a format with a file for each unit, the files of each prediction are in a folder or zip of their own.",
    ),
    "O52": Rule(
        "link out of the folder, or special file",
        "A prediction consists of plain files in the folder; links that lead elsewhere, links to folders, pipes and "
        "devices are not followed.",
    ),
    "O53": Rule("prediction too large", "A prediction has at most 1 GiB and 10,000 files."),
    "O54": Rule("several trials in one zip", "A zip that is scored as one prediction holds one trial."),
    "O55": Rule("scoring interrupted", "The processes that score are not stopped from outside."),
    "O56": Rule("scoring failed", "A prediction is scored, or refused by a rule that says why."),
    "N01": Rule("Windows line ends", "Lines end with a line feed alone."),
    "N02": Rule("byte order mark", "The file begins with its first character, without a byte order mark."),
    "N03": Rule("blank last line", "The file ends after its last row."),
    "N04": Rule(
        "rows aligned by name", "Rows are in the order of the truth; in any other order they are matched by name."
    ),
    "N05": Rule(
        "training data that another edition forbids",
        "A model also keeps the rules on training data of the other editions.",
    ),
    "N06": Rule("blank beside a value", "No value has a blank beside it, though the organisers' reader accepts one."),
    "N10": Rule("no line feed behind the last row", "Every line ends with a line feed, the last one too."),
    "N11": Rule(
        "mended in reading",
        "A file is in the form of the organisers. What has one meaning only is read all the same; no value changes, "
        "and `abawbench check --repair` writes the file in its form.",
    ),
    "N12": Rule(
        "names spelt otherwise",
        "Rows and units have the names of the list. Where another spelling fits one to one, the names of the list are "
        "used; a submission needs them as they are.",
    ),
    "N13": Rule(
        "many rows filled",
        "At most a tenth of the rows are filled by a policy, and no whole unit is.",
    ),
    "N14": Rule(
        "copies of rows", "Each row occurs as often as in the list. Further copies with the same values are not read."
    ),
    "N20": Rule("the same trial twice", "The trials of a submission differ from one another."),
    "N21": Rule(
        "hidden files and files of an operating system",
        "A folder or zip holds the user's own files alone; `__MACOSX`, `.DS_Store`, `Thumbs.db` and the like are not "
        "read.",
    ),
    "N22": Rule("a folder around the folder", "What is given is the folder itself, not a folder that holds it alone."),
    "N30": Rule(
        "values brought into their range",
        "Intensities, valence and arousal in the table of a toolkit lie in their range; those a little outside count "
        "as its ends.",
    ),
    "N31": Rule(
        "intensities that never pass 1",
        "Intensities of action units go from 0 to 5, unless the settings name another threshold.",
    ),
    "N32": Rule(
        "people who cannot be told apart",
        "The table of several people has a column that says which person, or where, a face is.",
    ),
    "N33": Rule("rows left out", "Each row of a label file names a picture; rows without a name are left out."),
    "N40": Rule(
        "values in another form",
        "Values are the numbers of the format; names, one-hot rows and scores of classes, True and False, and numbers "
        "written in another way are read where they mean one thing.",
    ),
    "N41": Rule(
        "rows with an empty value", "Every row has a prediction; a row with an empty value is left to a fill policy."
    ),
    "N42": Rule("columns that are not read", "A table has the names of its rows and their values alone."),
    "N43": Rule("rows of sentinels", "Every row has a prediction; a row of sentinels is left to a fill policy."),
    "N50": Rule(
        "crops that do not say what they are",
        "Beside the folders of crops, `crop.json` says what they show, as `abawbench faces` writes it; the card of an "
        "entry says what it takes.",
    ),
    "N51": Rule(
        "bfloat16 given up during a run",
        "Results in bfloat16 differ little from those in float32, also on the frames that are watched during the run; "
        "else the run begins again in float32.",
    ),
    "N60": Rule(
        "tensors not used, or not needed",
        "A file of weights holds one network. Heads, decoders and losses beside it are not used; counters that old "
        "files lack are not needed.",
    ),
    "N61": Rule(
        "pictures of a network assumed",
        "Size, mean and deviation of the pictures stand in the file of weights, in a configuration beside it, or in "
        "the settings. Where none says them they are assumed, and can be wrong.",
    ),
    "N70": Rule("tuned values used", "Smoothing, thresholds and the like are those of the file of tuned values."),
    "N71": Rule(
        "in-sample",
        "A score on the videos that values were fitted on flatters; the cross-fitted one is what they are worth.",
    ),
    "N72": Rule("times assumed", "A store knows the times of its frames; without them there are 30 frames a second."),
    "N75": Rule("phases that overlap", "Phases follow each other; at a time within two of them both take submissions."),
    "N76": Rule(
        "left to the platform",
        "A platform does not do all that an event asks for; what it does instead is told.",
    ),
    "N77": Rule("list made of the truth", "A phase has the organisers' list; a public one may take the truth's rows."),
    "N78": Rule(
        "setting that a platform ignores or replaces",
        "A bundle has the keys that its platform reads, each with a value that it takes; nothing is left to it.",
    ),
    "N79": Rule("rehearsal that was not run", "What a rehearsal needs, as an interpreter, is on the machine."),
    "N80": Rule("file that is not read", "A mail holds predictions alone; other files are left aside."),
    "N81": Rule("dates of a mail that differ", "The date that a mail states is near that of the server that took it."),
    "N82": Rule(
        "no date", "A zip or file that lies in the inbox without its mail has no date to hold against a deadline."
    ),
    "N83": Rule("several senders in a folder", "Without a roster, the mails in a folder come from one address."),
    "N84": Rule(
        "truth of a private phase in a public one",
        "A private phase has a truth of its own: messages of a public phase tell ids and counts of theirs.",
    ),
}

FAMILIES = {
    "F": "Text files",
    "V": "Values in a text file",
    "T": "Rows compared with the list or the truth",
    "Z": "Folders and zips to submit",
    "C": "Challenges and options",
    "D": "Data sets, pictures and videos",
    "R": "Records and tuned values",
    "L": "The leaderboard",
    "E": "Entries",
    "P": "Prediction stores",
    "O": "Events, bundles, rehearsal and mail",
    "N": "Notes: reported, but accepted",
}


def catalogue() -> str:
    """All rules as Markdown, the text of docs/rules.md."""
    lines = [
        "# Rules",
        "",
        "Every message begins with the id of the rule that is broken. An id keeps its meaning for ever. `make tables`",
        "makes this page from `abawbench/base/rules.py`.",
    ]
    for family, heading in FAMILIES.items():
        lines += ["", f"## {family}: {heading}", "", "| id | fault | rule |", "|---|---|---|"]
        lines += [
            f"| {name} | {rule.title} | {rule.requirement} |" for name, rule in RULES.items() if name[0] == family
        ]
    return "\n".join(lines) + "\n"
