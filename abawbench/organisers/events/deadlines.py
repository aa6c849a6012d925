"""Dates of an event: quoted text with a time and a zone, which stands for one moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

ANYWHERE = "AoE"
EXAMPLE = '"2026-07-16 23:59:59 AoE"'
# the last place on earth where a day ends is 12 hours behind UTC
_ANYWHERE = timezone(timedelta(hours=-12), ANYWHERE)
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[ T](?P<time>\d\d:\d\d(?::\d\d)?))?\s*(?P<zone>[A-Za-z+-][\w/:+-]*)?", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d\d):?([0-5]\d)", re.ASCII)
_FARTHEST_H = 14
_FIRST_YEAR = 2000


def parse_moment(text: str) -> datetime:
    """The moment that a text such as `2026-07-16 23:59:59 AoE` stands for, in UTC.

    >>> utc_text(parse_moment("2026-07-16 23:59:59 AoE"))
    '2026-07-17 11:59:59'

    Raises:
        ValueError: no date, no time, no zone or an unknown one, or a time that a clock change skips or repeats.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError("no date with a time and a zone")
    if found["time"] is None:
        raise ValueError("a date without a time")
    if found["zone"] is None:
        raise ValueError("a date without a zone")
    zone = _zone(found["zone"])
    try:
        local = datetime.fromisoformat(f"{found['day']}T{found['time']}").replace(tzinfo=zone)
        moment = local.astimezone(UTC)
        twin = local.replace(fold=1).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("a date or time that does not exist") from error
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError("a time that the clock change there skips")
    if moment != twin:
        raise ValueError("a time that the clock change there repeats")
    if moment.year < _FIRST_YEAR:
        raise ValueError("a year long past")
    return moment


def utc_text(moment: datetime) -> str:
    """A moment in UTC as platforms take it: date and time to the second, without a zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def in_words(moment: datetime) -> str:
    """A moment for a reader: in UTC, and by the clock of the last place on earth.

    >>> in_words(parse_moment("2026-07-16 23:59:59 AoE"))
    '2026-07-17 11:59:59 UTC (2026-07-16 23:59:59 anywhere on earth)'
    """
    anywhere = moment.astimezone(_ANYWHERE).strftime("%Y-%m-%d %H:%M:%S")
    return f"{utc_text(moment)} UTC ({anywhere} anywhere on earth)"


def _zone(name: str) -> tzinfo:
    if name.casefold() == ANYWHERE.casefold():
        return _ANYWHERE
    if name in {"UTC", "Z"}:
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        distance = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if distance > timedelta(hours=_FARTHEST_H):
            raise ValueError(f"an offset of more than {_FARTHEST_H} hours")
        return timezone(-distance if offset[1] == "-" else distance)
    # abbreviations such as EST mean different things in summer and in different places
    if "/" in name:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise ValueError(f"the zone {name}, which is not known")
