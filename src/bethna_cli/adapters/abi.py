"""Our contracts' interface: artifacts, calldata and return values, and reverts as typed errors.

The ABI that ships with the package is the only source: names, types and selectors are read from it, and the text of a
revert is never parsed. eth-abi and eth-utils are slow to import and load at the first use.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.errors import (
    CallerNotAllowed,
    ContractMismatch,
    ContractRefused,
    DeadlinePassed,
    LimitReached,
    NonceAlreadyUsed,
    NotEnoughTokens,
    QuoteUnavailable,
    SlippageExceeded,
    TradingPaused,
)
from bethna_cli.domain.text import clean

SHIPPED = (
    "SentientTrader",
    "ThetanutsTokenRouter",
    "OptionSeries",
    "DevelopmentUSDC",
    "DevelopmentPriceOracle",
    "DevelopmentOptionBook",
    "DevelopmentBookOption",
)

REACTIONS: Mapping[type[ContractRefused], Sequence[str]] = {
    SlippageExceeded: ("SlippageExceeded",),
    TradingPaused: ("EnforcedPause", "ExitsArePaused"),
    DeadlinePassed: ("DeadlineExpired", "OrderExpired", "OptionExpired", "PermitExpired", "ERC2612ExpiredSignature"),
    QuoteUnavailable: ("ExceedsMakerSize", "OrderIsCancelled", "MakerNotAllowed", "MakerQuoteRequired"),
    NonceAlreadyUsed: ("NonceUsed",),
    NotEnoughTokens: ("ERC20InsufficientBalance", "ERC20InsufficientAllowance"),
    LimitReached: ("SessionExpired", "LimitExceeded"),
    CallerNotAllowed: ("NotAuthorized", "OwnableUnauthorizedAccount", "OnlyMaker", "OnlyRouter", "OnlyWriter"),
}
"""Which refusals callers treat alike. Every other error of the ABI is a plain ContractRefused with its own name."""

_LONGEST_REASON = 120
_BUILT_IN = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


@dataclass(frozen=True)
class Function:
    """One function of an ABI. Values are int, bool, bytes, lower-case address text, tuples and lists of these."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @cached_property
    def selector(self) -> bytes:
        return keccak(f"{self.name}({','.join(self.inputs)})".encode())[:4]

    def encode(self, *arguments: object) -> bytes:
        """Return calldata. Raises ValueError when the arguments do not fit the types."""
        return self.selector + encode(self.inputs, arguments)

    def decode(self, output: bytes) -> tuple[Any, ...]:
        """Read return data. Raises ContractMismatch when it is not what the function returns."""
        try:
            return decode(self.outputs, output)
        except ValueError:
            raise ContractMismatch(f"The contract does not answer {self.name}() as its ABI says.") from None

    def decode_input(self, calldata: bytes) -> tuple[Any, ...]:
        """Read the arguments of calldata. Raises ValueError when it is for another function."""
        if calldata[:4] != self.selector:
            raise ValueError(f"not a call of {self.name}")
        return decode(self.inputs, calldata[4:])


@dataclass(frozen=True)
class Artifact:
    """A compiled contract: its ABI, creation code, deployed code and the ranges that the constructor fills in."""

    name: str
    entries: tuple[Mapping[str, Any], ...]
    creation_code: bytes
    deployed_code: bytes
    immutable_ranges: tuple[tuple[int, int], ...]

    def function(self, name: str, inputs: str | None = None) -> Function:
        """Return a function by name, an overloaded one by its input types too, as in `(address,uint256,uint256)`.

        Raises KeyError when there is none, or more than one.
        """
        found = [
            function
            for function in self._functions
            if function.name == name and inputs in (None, f"({','.join(function.inputs)})")
        ]
        if len(found) != 1:
            raise KeyError(f"{self.name} has {len(found)} functions {name}{inputs or ''}")
        return found[0]

    @cached_property
    def _functions(self) -> tuple[Function, ...]:
        return tuple(
            Function(one["name"], _types(one["inputs"]), _types(one["outputs"]))
            for one in self.entries
            if one["type"] == "function"
        )

    def event_topic(self, name: str) -> Hash:
        """Return topic 0 of an event. Raises KeyError."""
        for entry in self.entries:
            if entry["type"] == "event" and entry["name"] == name:
                return hash_text(_digest(entry))
        raise KeyError(f"{self.name} has no event {name}")

    def creation(self, *arguments: object) -> bytes:
        """Return what deploys the contract: its creation code and the constructor's arguments."""
        constructor = next(one for one in self.entries if one["type"] == "constructor")
        return self.creation_code + encode(_types(constructor["inputs"]), arguments)

    def is_code(self, code: bytes) -> bool:
        """Say whether `code` is this contract's deployed code, whatever its constructor filled in."""
        return len(code) == len(self.deployed_code) and self._blanked(code) == self._blanked(self.deployed_code)

    def _blanked(self, code: bytes) -> bytes:
        blank = bytearray(code)
        for start, length in self.immutable_ranges:
            blank[start : start + length] = bytes(length)
        return bytes(blank)


@cache
def artifact(name: str) -> Artifact:
    """Load a shipped contract."""
    document = json.loads(files("bethna_cli.artifacts").joinpath(f"contracts/{name}.json").read_text("utf-8"))
    return Artifact(
        name=name,
        entries=tuple(document["abi"]),
        creation_code=bytes.fromhex(document["bytecode"][2:]),
        deployed_code=bytes.fromhex(document["deployedBytecode"][2:]),
        immutable_ranges=tuple((start, length) for start, length in document["immutableRanges"]),
    )


def refusal(data: bytes) -> ContractRefused:
    """Turn revert data into the error that it names; unknown data stays recognisable by its selector."""
    entry = _errors().get(data[:4])
    if entry is None:
        return ContractRefused("UnknownError", {"data": "0x" + data[:36].hex()} if data else None)
    name, inputs = entry["name"], entry["inputs"]
    try:
        values = decode(_types(inputs), data[4:])
    except ValueError:
        return ContractRefused(name, {"data": "0x" + data[:36].hex()})
    arguments = {one["name"]: _shown(value) for one, value in zip(inputs, values, strict=True)}
    return _reactions().get(name, ContractRefused)(name, arguments)


@cache
def _errors() -> Mapping[bytes, Mapping[str, Any]]:
    entries = [one for name in SHIPPED for one in artifact(name).entries if one["type"] == "error"]
    return {
        keccak(f"{one['name']}({','.join(_types(one['inputs']))})".encode())[:4]: one for one in (*entries, *_BUILT_IN)
    }


@cache
def _reactions() -> Mapping[str, type[ContractRefused]]:
    return {name: error for error, names in REACTIONS.items() for name in names}


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return clean(value, _LONGEST_REASON) if isinstance(value, str) and not value.startswith("0x") else value


def _digest(entry: Mapping[str, Any]) -> bytes:
    """Return the hash of an event's or an error's signature."""
    return keccak(f"{entry['name']}({','.join(_types(entry['inputs']))})".encode())


def _types(parameters: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Write parameters as canonical types, tuples as their members in parentheses."""
    return tuple(
        f"({','.join(_types(one['components']))}){one['type'].removeprefix('tuple')}"
        if one["type"].startswith("tuple")
        else str(one["type"])
        for one in parameters
    )


# ── the encoding itself ───────────────────────────────────────────────────────────────────────────────────────────


def encode(types: Sequence[str], values: Sequence[object]) -> bytes:
    """Encode values by the contract ABI. Raises ValueError when they do not fit."""
    from eth_abi.abi import encode as abi_encode
    from eth_abi.exceptions import EncodingError, ParseError

    try:
        return abi_encode(list(types), list(values))
    except (EncodingError, ParseError, TypeError, OverflowError) as error:
        raise ValueError(f"not values of ({','.join(types)})") from error


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Decode values by the contract ABI, strictly: padding is checked. Raises ValueError."""
    from eth_abi.abi import decode as abi_decode
    from eth_abi.exceptions import DecodingError

    try:
        return tuple(abi_decode(list(types), data, strict=True))
    except (DecodingError, UnicodeDecodeError, OverflowError) as error:
        raise ValueError(f"not the encoding of ({','.join(types)})") from error


def keccak(data: bytes) -> bytes:
    """Return Keccak-256, the hash of everything on the chain."""
    from eth_hash.auto import keccak as digest

    return digest(data)


def hash_text(digest: bytes) -> Hash:
    """Write 32 bytes as a hash."""
    return Hash("0x" + digest.hex())


def code_hash(code: bytes) -> Hash:
    """Return the hash of deployed code, as EXTCODEHASH has it for an address with code."""
    return hash_text(keccak(code))


def checksummed(address: Address) -> str:
    """Write an address in mixed case with its checksum (EIP-55), as people should see it."""
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address))
