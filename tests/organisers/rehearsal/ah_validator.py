"""A re-statement of what the validator of an ambivalence challenge checks: not the ids, and not their order.

    python ah_validator.py SUBMISSION SAMPLE

Exit status 0 and "valid" where it accepts, 1 and "INVALID" where it refuses.
"""

import sys
from pathlib import Path


def fault(line, listed):
    """What is wrong with a line, given that of the sample; None where nothing is."""
    parts = line.strip().split(",")
    if len(parts) not in {2, 4}:
        return "parts"
    if len(parts) == 4:
        probabilities = [float(part) for part in parts[1:3]]
        if not all(0 <= part <= 1 for part in probabilities):
            return "probability"
        if sum(probabilities) != 1.0:
            return "sum"
        # the first characters of both lines, and no more
        if line[0] != listed[0]:
            return "id"
    elif parts[0] != listed.strip().split(",")[0]:
        return "id"
    return None if int(parts[-1]) in {0, 1} else "label"


def main():
    lines, listed = (Path(path).read_text().splitlines() for path in sys.argv[1:3])
    if len(lines) != len(listed):
        print("INVALID: number of lines")
        return 1
    found = [fault(*pair) for pair in zip(lines, listed, strict=True)]
    wrong = next((one for one in found if one is not None), None)
    print("valid" if wrong is None else f"INVALID: {wrong}")
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main())
