"""What a value from outside may be: a strict JSON reader and the field types that every client shares.

Python's own reader takes NaN, 1e400 and the last of two equal keys; none of them passes here. Numbers with a fraction
come out as Decimal, so that a price is never rounded on the way in. Nothing here knows a service.
"""

import json
import math
import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from bethna_cli.domain.errors import SourceMalformed
from bethna_cli.domain.text import clean

MAX_DIGITS = 80  # a uint256 has 78
_INTEGER = re.compile(r"-?[0-9]{1,78}")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_ISO_TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


def read_json(body: bytes) -> object:
    """Decode one JSON document.

    Raises ValueError on anything but strict UTF-8 JSON: NaN, infinities, numbers beyond a double or of more than 80
    digits, duplicate keys, nesting deeper than some 200 levels.
    """
    # Python's reader recurses as deep as the interpreter's limit, which other packages raise beyond the stack:
    # this one stops at some 200 levels whatever the limit is.
    from_json(body)
    value: object = json.loads(
        body.decode(),
        parse_float=_fraction,
        parse_int=_integer,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
    )
    return value


def _fraction(text: str) -> Decimal:
    if len(text) > MAX_DIGITS or not math.isfinite(float(text)):
        raise ValueError("a number out of range")
    return Decimal(text)


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number out of range")
    return int(text)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key twice in one object")
    return value


def int_text(value: object) -> int:
    """Read an integer from a string of digits. Raises ValueError."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise ValueError("not an integer in a string")


def int_or_text(value: object) -> int:
    """Read an integer from a number or a string of digits. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int_text(value)


def decimal_text(value: object) -> Decimal:
    """Read a decimal number from a string. Raises ValueError."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise ValueError("not a decimal number in a string")


def number(value: object) -> Decimal:
    """Read a JSON number exactly. Raises ValueError."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError("not a number")


def iso_time(value: object) -> datetime:
    """Read an ISO 8601 time with `Z`. Raises ValueError."""
    if isinstance(value, str) and _ISO_TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    raise ValueError("not an ISO 8601 time in UTC")


# A bound belongs before the reader in an annotation (`Annotated[int, Field(ge=0), BeforeValidator(int_text)]`): then
# pydantic checks it natively, which is four times as fast.

DecimalText = Annotated[Decimal, BeforeValidator(decimal_text)]
"""A decimal number that the service sends as a string."""

Number = Annotated[Decimal, BeforeValidator(number)]
"""A JSON number, kept exactly."""

IsoTime = Annotated[datetime, BeforeValidator(iso_time)]
"""An ISO 8601 time with `Z`; aware UTC."""

AddressText = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$", to_lower=True)]
"""A `0x` address; lower-cased."""

HexText = Annotated[str, StringConstraints(pattern=r"^0x([0-9a-fA-F]{2})*$", max_length=20_000)]
"""`0x` and whole bytes."""

UnixSeconds = Annotated[int, Field(ge=0, le=4_102_444_800)]
"""Seconds since the epoch, before the year 2100."""

UnixMillis = Annotated[int, Field(ge=0, le=4_102_444_800_000)]
"""Milliseconds since the epoch, before the year 2100."""


class Wire(BaseModel):
    """An answer as a service sends it: strict types, unknown members ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


W = TypeVar("W", bound=Wire)


def parse(source: str, model: type[W], value: object) -> W:
    """Validate a decoded answer. Raises SourceMalformed that names the place, never the offending value."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(clean(str(step), 40) for step in first["loc"][:6]) or "the answer"
        raise SourceMalformed(source, f"{place} is not what the service documents ({first['type']})") from None
