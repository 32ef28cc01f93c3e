"""dYdX's answers as they come: field by field, with units and bounds. Decides nothing about them.

Prices, rates and block heights are decimal strings; times are ISO 8601 with `Z`.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bethna_cli.adapters.wire import DecimalText, IsoTime, Wire, decimal_text, int_text

PAGE_ROWS = 1000

_Rate = Annotated[Decimal, Field(ge=Decimal("-0.1"), le=Decimal("0.1")), BeforeValidator(decimal_text)]
_Status = Annotated[str, Field(pattern=r"^[A-Z_]{1,30}$")]
_Ticker = Annotated[str, Field(pattern=r"^[A-Za-z0-9,.\-_]{1,60}$")]
_Height = Annotated[int, Field(ge=0), BeforeValidator(int_text)]
_Interest = Annotated[Decimal, Field(ge=0, le=Decimal("1e15")), BeforeValidator(decimal_text)]


class Market(Wire):
    """One perpetual market; the rate predicted for the running hour is a fraction per hour."""

    status: _Status
    oracle_price: Annotated[DecimalText | None, Field(alias="oraclePrice")] = None
    next_rate: Annotated[_Rate | None, Field(alias="nextFundingRate")] = None
    open_interest: Annotated[_Interest | None, Field(alias="openInterest")] = None


class Markets(Wire):
    """Markets by ticker. Each is checked when it is used: a few hundred come back."""

    markets: Annotated[dict[_Ticker, Any], Field(max_length=5000)]


class Block(Wire):
    """The indexer's latest block."""

    time: IsoTime


class FundingRow(Wire):
    """One settled rate, a fraction per hour, from a block just after the hour."""

    ticker: _Ticker
    rate: _Rate
    at: Annotated[IsoTime, Field(alias="effectiveAt")]
    height: Annotated[_Height, Field(alias="effectiveAtHeight")]


class FundingPage(Wire):
    """Settled rates, newest first."""

    rows: Annotated[list[FundingRow], Field(alias="historicalFunding", max_length=PAGE_ROWS)]


class CandleRow(Wire):
    """One candle, USD."""

    ticker: _Ticker
    resolution: str
    starts_at: Annotated[IsoTime, Field(alias="startedAt")]
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText


class CandlePage(Wire):
    """Candles, newest first."""

    candles: Annotated[list[CandleRow], Field(max_length=PAGE_ROWS)]


class Message(Wire):
    """Any message of the WebSocket."""

    type: Annotated[str, Field(max_length=40)]
    contents: Any = None


class Partial(Wire):
    """What changed in one market; a missing member is unchanged."""

    status: _Status | None = None


class OraclePrice(Wire):
    """An oracle price, USD, and when it took effect."""

    price: Annotated[DecimalText, Field(alias="oraclePrice")]
    at: Annotated[IsoTime, Field(alias="effectiveAt")]


class Update(Wire):
    """One update of the markets channel. Oracle prices are not part of `trading`."""

    trading: dict[_Ticker, Partial] = Field(default_factory=dict, max_length=5000)
    prices: dict[_Ticker, OraclePrice] = Field(default_factory=dict, alias="oraclePrices", max_length=5000)
