"""The parameters of JSON-RPC requests, parsed strictly before anything looks at them.

Quantities are hexadecimal without leading zeros being required, at most 256 bits; data is whole bytes. Unknown fields
of objects are ignored, as every client sends some of its own.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_ALTERNATIVES = 1_000
MAX_DATA_BYTES = 1_000_000

_QUANTITY = re.compile(r"0[xX][0-9a-fA-F]{1,64}\Z")
_DATA = re.compile(r"0[xX]([0-9a-fA-F]{2})*\Z")


def _quantity(value: object) -> int:
    if isinstance(value, str) and _QUANTITY.match(value):
        return int(value, 16)
    raise ValueError("expected a hexadecimal quantity such as 0x1")


def _number(value: object) -> int:
    """Also take a plain number, as the development methods of other nodes do."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return _quantity(value)


def _data(value: object) -> bytes:
    if isinstance(value, str) and len(value) <= 2 * MAX_DATA_BYTES + 2 and _DATA.match(value):
        return bytes.fromhex(value[2:])
    raise ValueError("expected hexadecimal data such as 0x00ff")


def _exactly(length: int) -> BeforeValidator:
    def parse(value: object) -> bytes:
        data = _data(value)
        if len(data) != length:
            raise ValueError(f"expected {length} bytes, got {len(data)}")
        return data

    return BeforeValidator(parse)


def _one_or_list(value: object) -> object:
    return value if value is None or isinstance(value, list) else [value]


Quantity = Annotated[int, BeforeValidator(_quantity)]
Number = Annotated[int, BeforeValidator(_number)]
Data = Annotated[bytes, BeforeValidator(_data)]
Address = Annotated[bytes, _exactly(20)]
Hash = Annotated[bytes, _exactly(32)]
BlockName = Literal["latest", "pending", "safe", "finalized", "earliest"]


class BlockReference(BaseModel):
    """A block by EIP-1898: by number or by hash."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    blockNumber: Quantity | None = None
    blockHash: Hash | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "BlockReference":
        if (self.blockNumber is None) == (self.blockHash is None):
            raise ValueError("expected either blockNumber or blockHash")
        return self


NumberTag = BlockName | Quantity
BlockTag = BlockName | Quantity | BlockReference


class CallRequest(BaseModel):
    """A call or an unsigned transaction. `input` is the newer name of `data`."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    sender: Address = Field(default=b"\0" * 20, alias="from")
    to: Address | None = None
    gas: Quantity | None = None
    gasPrice: Quantity | None = None
    maxFeePerGas: Quantity | None = None
    value: Quantity = 0
    data: Data | None = None
    input: Data | None = None

    @model_validator(mode="after")
    def _agree(self) -> "CallRequest":
        if self.data is not None and self.input is not None and self.data != self.input:
            raise ValueError('both "data" and "input" are set and not equal')
        if self.gasPrice is not None and self.maxFeePerGas is not None:
            raise ValueError("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
        return self

    @property
    def payload(self) -> bytes:
        """The bytes to run with, under whichever name they came."""
        return self.input if self.input is not None else self.data or b""

    @property
    def price_wei(self) -> int:
        """What the caller offers for a unit of gas; nothing unless said."""
        return self.gasPrice or self.maxFeePerGas or 0


Topic = Annotated[Annotated[list[Hash], Field(max_length=MAX_ALTERNATIVES)] | None, BeforeValidator(_one_or_list)]


class LogFilter(BaseModel):
    """Which logs: a range of blocks or one block by hash, senders, and per topic the alternatives."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    fromBlock: NumberTag | None = None
    toBlock: NumberTag | None = None
    blockHash: Hash | None = None
    address: Annotated[
        Annotated[list[Address], Field(max_length=MAX_ALTERNATIVES)] | None, BeforeValidator(_one_or_list)
    ] = None
    topics: Annotated[list[Topic], Field(max_length=4)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _hash_or_range(cls, value: Any) -> Any:
        given = {name for name, bound in value.items() if bound is not None} if isinstance(value, dict) else set()
        if "blockHash" in given and given & {"fromBlock", "toBlock"}:
            raise ValueError("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
        return value

    @property
    def addresses(self) -> tuple[bytes, ...]:
        """The senders asked for; none means any."""
        return tuple(self.address or ())

    @property
    def alternatives(self) -> tuple[tuple[bytes, ...] | None, ...]:
        """Per topic the values asked for; None and an empty list mean any."""
        return tuple(tuple(options) if options else None for options in self.topics or ())


class Branch(BaseModel):
    """How the new blocks of a reorganisation differ from the old ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    drop: bool | list[Hash] = False
    insert: list[Data] = []
