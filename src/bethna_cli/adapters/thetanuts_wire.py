"""Thetanuts' answers as they come: field by field, with units and bounds. Decides nothing about them."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bethna_cli.adapters.wire import (
    AddressText,
    HexText,
    Number,
    UnixMillis,
    UnixSeconds,
    Wire,
    int_or_text,
    int_text,
    number,
)
from bethna_cli.domain.units import PRICE_UNIT

MAX_ROWS = 20_000
_HIGHEST = 10**9 * PRICE_UNIT

_PriceE8 = Annotated[int, Field(ge=0, le=_HIGHEST), BeforeValidator(int_text)]
_StrikeE8 = Annotated[int, Field(ge=0, le=_HIGHEST), BeforeValidator(int_or_text)]
_Amount = Annotated[int, Field(ge=0, le=10**24), BeforeValidator(int_text)]
_Nonce = Annotated[int, Field(ge=0, le=2**256 - 1), BeforeValidator(int_text)]
_Share = Annotated[Decimal, Field(ge=0, le=100), BeforeValidator(number)]
_Usd = Annotated[Decimal, Field(gt=0, le=10**9), BeforeValidator(number)]
_Delta = Annotated[Decimal, Field(ge=-1.5, le=1.5), BeforeValidator(number)]
_Volatility = Annotated[Decimal, Field(gt=0, le=10), BeforeValidator(number)]
_Greek = Annotated[Decimal, Field(ge=-(10**7), le=10**7), BeforeValidator(number)]


class Greeks(Wire):
    """Long-holder Greeks: delta per coin, iv a fraction, theta USD per day, vega USD per vol point."""

    delta: _Delta
    iv: _Volatility
    gamma: _Greek | None = None
    theta: _Greek | None = None
    vega: _Greek | None = None


class Order(Wire):
    """The signed order, and the maker's label beside it. Strikes and price: 8 decimals; times: Unix seconds."""

    ticker: Annotated[str, Field(max_length=100)] | None = None
    type: Annotated[str, Field(max_length=100)] | None = None
    maker: AddressText
    order_expiry: Annotated[UnixSeconds, Field(alias="orderExpiryTimestamp")]
    collateral: AddressText
    is_call: Annotated[bool, Field(alias="isCall")]
    price_feed: Annotated[AddressText, Field(alias="priceFeed")]
    implementation: AddressText
    is_long: Annotated[bool, Field(alias="isLong")]
    max_collateral: Annotated[_Amount, Field(alias="maxCollateralUsable")]
    strikes: Annotated[list[_StrikeE8], Field(min_length=1, max_length=4)]
    expiry: UnixSeconds
    price: _PriceE8
    contracts: Annotated[_Amount, Field(alias="numContracts")] = 0
    extra: Annotated[HexText, Field(alias="extraOptionData")] = "0x"


class Row(Wire):
    """An order with its signature and what it was signed for."""

    order: Order
    signature: HexText
    chain_id: Annotated[int, Field(alias="chainId", ge=0)]
    book: Annotated[AddressText, Field(alias="optionBookAddress")]
    nonce: _Nonce
    greeks: Greeks | None = None


class Feed(Wire):
    """The order feed. Rows are checked one by one, so that a bad one cannot hide the others."""

    orders: Annotated[list[Any], Field(max_length=MAX_ROWS)]
    market_data: Annotated[dict[str, Any], Field(max_length=1000)] = Field(default_factory=dict)


class Metadata(Wire):
    """When the feed was written."""

    last_updated: UnixMillis | None = None


class Spot(Wire):
    """One entry of the feed's market data, USD."""

    price: Number


class PriceRow(Wire):
    """One reference price: fractions of one underlying, zero where there is no quote; the rest in USD."""

    bid: Annotated[_Share, Field(alias="bid_price")]
    ask: Annotated[_Share, Field(alias="ask_price")]
    mark: Annotated[_Share, Field(alias="mark_price")]
    underlying: Annotated[_Usd, Field(alias="underlying_price")]
    strike: _Usd


class PricingMetadata(Wire):
    """When the reference prices were fetched, and how long they keep (milliseconds)."""

    last_fetched: UnixMillis
    cache_ttl: Annotated[int, Field(ge=0, le=86_400_000)]
    is_stale: bool


class Pricing(Wire):
    """Reference prices by asset and ticker."""

    data: dict[str, dict[Annotated[str, Field(max_length=100)], PriceRow]]
    metadata: PricingMetadata


class PositionRow(Wire):
    """A position. Premium and collateral in base units of the collateral token."""

    address: AddressText
    side: Annotated[str, Field(pattern=r"^(buyer|seller)$")]
    status: Annotated[str, Field(pattern=r"^(open|settled|closed)$")]
    opened: Annotated[UnixSeconds, Field(alias="entryTimestamp")]
    transaction: Annotated[HexText, Field(alias="entryTxHash", max_length=66)]
    premium: Annotated[_Amount, Field(alias="entryPremium")]
    contracts: Annotated[_Amount, Field(alias="numContracts")]
    collateral_token: Annotated[AddressText, Field(alias="collateralToken")]
    collateral: Annotated[_Amount, Field(alias="collateralAmount")]
    asset: Annotated[str, Field(alias="underlyingAsset", pattern=r"^[A-Za-z0-9]{1,16}$")]
    strikes: Annotated[list[_StrikeE8], Field(min_length=1, max_length=4)]
    expiry: Annotated[UnixSeconds, Field(alias="expiryTimestamp")]
    implementation: Annotated[str, Field(alias="implementationName", pattern=r"^[A-Z_]{1,40}$")]
    book: Annotated[AddressText, Field(alias="bookAddress")]


class Positions(Wire):
    """A list of positions, open or past."""

    data: Annotated[list[PositionRow], Field(max_length=MAX_ROWS)]


class Health(Wire):
    """How far the indexer has come."""

    status: Annotated[str, Field(pattern=r"^(ok|unhealthy)$")]
    chain_id: Annotated[int, Field(ge=0)]
    last_indexed_block: Annotated[int, Field(ge=0)]
    lag_blocks: Annotated[int, Field(ge=0)]
