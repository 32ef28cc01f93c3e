"""Days and spans as people write them: `7d`, `two weeks`, `next friday`, `25 sep`, `end of month`, `besok`.

A day means the venue's expiry of that day, so it counts whole days from today (UTC). What lies in the past ("the last 7
days", "2 weeks ago") is marked as such: it is no expiry.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

_UNIT_DAYS = {"h": 1 / 24, "j": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.0, "q": 91.0, "y": 365.0, "t": 365.0, "f": 14.0}
_UNIT = (
    r"(?P<unit>hours?|hrs?|h|days?|d|dte|hari|weeks?|wks?|wk|w|minggu|months?|mos?|mths?|bulan|years?|yrs?|y|tahun"
    r"|jam|fortnights?|quarters?)"
)
_INDONESIAN_UNITS = {"hari": 1.0, "minggu": 7.0, "bulan": 30.0, "jam": 1 / 24, "tahun": 365.0}
_COUNT = r"(?P<count>[0-9]{1,4}(?:\.[0-9]{1,2})?|couple(?: of)?)"
_PAST = r"(?P<past>(?:last|past|previous|prior|since) (?:the )?)?"
_AGO = r"(?P<ago> ago| yang lalu| lalu| terakhir| back\b)?"
_SPAN = re.compile(rf"{_PAST}(?<![0-9a-z.$~:,])(?:a )?{_COUNT}[ -]?{_UNIT}\b(?:')?{_AGO}")
_ONE = re.compile(
    r"(?:(?<=\bin )|(?<=\bwithin )|(?<=\babout )|(?<=\bfor )|(?<=\baround )|(?<=\bexpiring )"
    r"|(?<=\bnext )|(?<=\bcoming ))"
    r"(?:a |an )?(?P<unit>day|week|month|year|fortnight|quarter)s?\b(?! ago)"
    r"|\ban? (?P<unit2>week|month|fortnight|year|quarter)(?= (?:to|until|till|expiry|out|from now"
    r"|dated|away|long|option|call|put))"
    r"|\b(?:se)(?P<unit3>minggu|bulan|hari|tahun)\b"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januari|feb february februari|mar march maret|apr april|may mei|jun june juni|"
            "jul july juli|aug august agustus|sep sept september|oct october oktober okt|nov november|"
            "dec december desember des"
        ).split("|"),
        1,
    )
    for name in names.split()
}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + ")"
_DATES = (
    re.compile(r"\b(?P<year>20[0-9]{2})-(?P<number>[0-9]{1,2})-(?P<day>[0-9]{1,2})\b"),
    re.compile(
        rf"\b(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?[ -]?(?:of )?{_MONTH}\b\.?(?:[ -]?(?P<year>20[0-9]{{2}}"
        rf"|2[0-9]\b))?"
    ),
    re.compile(rf"\b{_MONTH}\.? (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year>20[0-9]{{2}}))?"),
)
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mondays senin|tuesday tuesdays selasa|wednesday wednesdays rabu|"
            "thursday thursdays kamis|friday fridays jumat|saturday saturdays sabtu|sunday sundays"
        ).split("|")
    )
    for name in names.split()
}
_SHORT_DAYS = {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "sat": 5, "sun": 6}
_WEEKDAY = re.compile(
    rf"\b(?P<past>last |since )?(?:(?:next|this|coming|on|by|until|till) )*(?:the )?(?P<day>{'|'.join(_WEEKDAYS)})\b"
    rf"|\b(?:next|this|coming|by|until|till) (?P<short>{'|'.join(_SHORT_DAYS)})\b"
)
_NAMED: tuple[tuple[re.Pattern[str], Callable[[date], date]], ...] = (
    (re.compile(r"\bday after tomorrow\b|\blusa\b"), lambda today: today + timedelta(2)),
    (re.compile(r"\b(?:tomorrow|besok)\b(?:'s)?"), lambda today: today + timedelta(1)),
    (re.compile(r"\b(?:expir\w* (?:later )?|until |till |by )today\b|\b0 ?dte\b"), lambda today: today),
    (re.compile(r"\bend of next month\b"), lambda today: _last_day(_last_day(today) + timedelta(1))),
    (
        re.compile(r"\bend of (?:the |this )?month\b|\beom\b|\bmonth[ -]?end\b|\bakhir bulan(?: ini)?\b"),
        lambda today: _last_day(today),
    ),
    (re.compile(r"\bend of (?:the |this )?week\b|\beow\b|\bakhir minggu\b"), lambda today: _next_weekday(today, 4)),
    (
        re.compile(r"\bend of (?:the |this )?year\b|\beoy\b|\byear[ -]?end\b|\bakhir tahun\b"),
        lambda today: date(today.year, 12, 31),
    ),
    (re.compile(r"\bnext week\b|\bminggu depan\b"), lambda today: today + timedelta(7)),
    (re.compile(r"\bnext month\b|\bbulan depan\b"), lambda today: today + timedelta(30)),
    (re.compile(r"\b(?:by |until |till )?christmas\b"), lambda today: _next_date(today, 12, 25)),
)
LONGEST_DAYS = 1_000


def mark_times(line: str, today: date) -> str:
    """Replace each day and span in a folded line by `~days:DAYS`, or by `~ago` where it lies in the past."""
    line = _each_date(line, today)
    for pattern, day_of in _NAMED:
        line = pattern.sub(_when((day_of(today) - today).days), line)
    line = _WEEKDAY.sub(lambda found: _weekday(found, today), line)
    return _ONE.sub(_one, _SPAN.sub(_span, line))


def _when(days: float) -> str:
    return f" ~days:{days:.10g} "


def _span(found: re.Match[str]) -> str:
    if found["past"] or found["ago"]:
        return " ~ago "
    count = 2.0 if found["count"].startswith("couple") else float(found["count"])
    days = count * _INDONESIAN_UNITS.get(found["unit"], _UNIT_DAYS[found["unit"][0]])
    return _when(days) if days <= LONGEST_DAYS else found[0]


def _one(found: re.Match[str]) -> str:
    unit = found["unit"] or found["unit2"] or found["unit3"]
    return _when(_INDONESIAN_UNITS.get(unit, _UNIT_DAYS[unit[0]]))


def _weekday(found: re.Match[str], today: date) -> str:
    if found["past"]:
        return " ~ago "
    number = _WEEKDAYS[found["day"]] if found["day"] else _SHORT_DAYS[found["short"]]
    return _when((_next_weekday(today, number) - today).days)


def _each_date(line: str, today: date) -> str:
    for pattern in _DATES:
        line = pattern.sub(lambda found: _date(found, today), line)
    return line


def _date(found: re.Match[str], today: date) -> str:
    groups = found.groupdict()
    month = int(groups["number"]) if groups.get("number") else _MONTHS[groups["month"]]
    try:
        if groups["year"]:
            day = date(int(groups["year"]) % 100 + 2000, month, int(groups["day"]))
        else:
            day = _next_date(today, month, int(groups["day"]))
    except ValueError:
        return found[0]
    return _when((day - today).days) if day >= today else " ~ago "


def _next_date(today: date, month: int, day: int) -> date:
    """Return that day of this year, or of the next one where it has passed. Raises ValueError: there is none."""
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def _next_weekday(today: date, number: int) -> date:
    """Return the first such day after today (0 is Monday)."""
    return today + timedelta((number - today.weekday() - 1) % 7 + 1)


def _last_day(today: date) -> date:
    return today.replace(day=monthrange(today.year, today.month)[1])
