"""What the person signs: the typed data of a trade, and the card that is rendered from it and from nothing else.

`read_card` rebuilds the typed data from the printed card, so "shown" and "signed" can be compared. Hash functions come
in as arguments. Nothing here asks, signs or sends.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bethna_cli.domain.chain import NO_ADDRESS, Address, Hash, SigningDomain
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent, require_hash
from bethna_cli.domain.units import Bps, from_unix, iso

Keccak = Callable[[bytes], bytes]
"""Keccak-256: bytes to 32 bytes."""

DOMAIN_NAME, DOMAIN_VERSION = "SentientTrader", "1"
FULL = 10_000
LEAST_SHARE = 9_000
"""Basis points of the signed quote that the contract lets a trade deliver at least."""

LONGEST_BUY_S = 900
LONGEST_SELL_S = 30 * 86_400

INTENT_FIELDS: Mapping[str, str] = {
    "user": "address",
    "executor": "address",
    "side": "uint8",
    "optionToken": "address",
    "router": "address",
    "amountIn": "uint256",
    "quotedAmountOut": "uint256",
    "minAmountOut": "uint256",
    "nonce": "uint256",
    "deadline": "uint256",
    "ref": "bytes32",
}
"""The signed fields and their types, in the contract's order."""

_DOMAIN_FIELDS = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}


def typed_data(trade: PlannedTrade) -> dict[str, object]:
    """Return the EIP-712 document of a trade: types, domain, primary type and message, integers as integers.

    Raises ValueError for a domain that is not SentientTrader's.
    """
    _require_ours(trade.domain)
    domain, intent = trade.domain, trade.intent
    values = (
        intent.user,
        intent.executor,
        int(intent.side),
        intent.option_token,
        intent.router,
        intent.amount_in,
        intent.quoted_amount_out,
        intent.min_amount_out,
        intent.nonce,
        intent.deadline_s,
        intent.ref,
    )
    return {
        "types": {"EIP712Domain": _fields(_DOMAIN_FIELDS), "TradeIntent": _fields(INTENT_FIELDS)},
        "primaryType": "TradeIntent",
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.verifying_contract,
        },
        "message": dict(zip(INTENT_FIELDS, values, strict=True)),
    }


def _require_ours(domain: SigningDomain) -> None:
    if (domain.name, domain.version) != (DOMAIN_NAME, DOMAIN_VERSION):
        raise ValueError(f"not the domain of SentientTrader: {domain.name!r} {domain.version!r}")


def _fields(types: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


def intent_nonce(plan_id: Hash, purpose: str, keccak: Keccak) -> int:
    """Derive the contract's nonce from a plan and what an intent is for, so that one plan approved twice is one trade.

    Mandates that exclude one another are given one purpose. Raises ValueError for a plan id that is not 32 bytes: were
    its length free, another id and purpose could run together to the same bytes.
    """
    require_hash(plan_id)
    return int.from_bytes(keccak(bytes.fromhex(plan_id[2:]) + purpose.encode()), "big")


def reference(document: Mapping[str, object], keccak: Keccak) -> Hash:
    """Return the hash of a recommendation in canonical JSON: sorted keys, no spaces, UTF-8.

    Raises ValueError for a number that is not finite.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Hash("0x" + keccak(text.encode()).hex())


def least_acceptable(quoted: int, slippage: Bps) -> int:
    """Return the smallest output we accept for `quoted` base units, rounded up.

    Raises ValueError for nothing quoted, and for a slippage below zero or above the contract's 10 %.
    """
    if quoted <= 0:
        raise ValueError(f"nothing is quoted: {quoted}")
    if not 0 <= slippage <= FULL - LEAST_SHARE:
        raise ValueError(f"slippage must be 0 to {FULL - LEAST_SHARE} basis points: {slippage}")
    return -(-quoted * (FULL - slippage) // FULL)


def deadline(block_time_s: int, lifetime_s: int, side: Side) -> int:
    """Return the last second in which the trade may happen, counted from a block's time.

    Raises ValueError for no time at all and for more than the contract takes: 15 minutes for a buy, 30 days for a sell.
    """
    longest_s = LONGEST_BUY_S if side is Side.BUY else LONGEST_SELL_S
    if not 0 < lifetime_s <= longest_s:
        raise ValueError(f"a {side.name.lower()} lives 1 to {longest_s} s, not {lifetime_s}")
    return block_time_s + lifetime_s


# ── the card ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CardLine:
    """One printed line of the signed part of the card."""

    label: str
    value: str

    def __str__(self) -> str:
        return f"{self.label:<14}{self.value}"


def card(trades: Sequence[PlannedTrade]) -> list[CardLine]:
    """Write everything that will be signed, in words and units a person reads, nothing left out and nothing added."""
    return [line for number, trade in enumerate(trades, 1) for line in _card_of(trade, number, len(trades))]


def _card_of(trade: PlannedTrade, number: int, count: int) -> list[CardLine]:
    _require_ours(trade.domain)
    domain, intent = trade.domain, trade.intent
    paid, received = _UNITS[intent.side]
    return [
        CardLine("Trade", f"{number} of {count}: {trade.purpose}"),
        CardLine("Action", _ACTIONS[intent.side]),
        CardLine("Option", intent.option_token),
        CardLine("You give", f"{_UP_TO[intent.side]}{shown_amount(intent.amount_in)} {paid}"),
        CardLine("Quoted", f"{shown_amount(intent.quoted_amount_out)} {received}"),
        CardLine("At least", f"{shown_amount(intent.min_amount_out)} {received}"),
        CardLine("Your account", intent.user),
        CardLine("Sent by", _ANY_COURIER if intent.executor == NO_ADDRESS else intent.executor),
        CardLine("Venue", intent.router),
        CardLine("Valid until", f"{iso(from_unix(intent.deadline_s))} ({intent.deadline_s})"),
        CardLine("Nonce", str(intent.nonce)),
        CardLine("Reference", intent.ref),
        CardLine("Contract", f"{domain.name} {domain.version} {domain.verifying_contract} on chain {domain.chain_id}"),
    ]


_ACTIONS = {Side.BUY: "buy this option, pay in USDC", Side.SELL: "sell this option, be paid in USDC"}
_UNITS = {Side.BUY: ("USDC", "contracts"), Side.SELL: ("contracts", "USDC")}
_UP_TO = {Side.BUY: "", Side.SELL: "up to "}
_ANY_COURIER = "any courier that the contract admits"
_LABELS = (
    "Trade",
    "Action",
    "Option",
    "You give",
    "Quoted",
    "At least",
    "Your account",
    "Sent by",
    "Venue",
    "Valid until",
    "Nonce",
    "Reference",
    "Contract",
)
_AMOUNT = re.compile(r"(0|[1-9][0-9]*)\.([0-9]{6})")
_NUMERAL = re.compile(r"0|[1-9][0-9]*")
_PURPOSE = re.compile(r"[0-9]+ of [0-9]+: (\S+)")
_CONTRACT = re.compile(r"(\S+) (\S+) (0x[0-9a-f]{40}) on chain ([0-9]+)")
_DEADLINE = re.compile(r"(\S+) \(([0-9]+)\)")


def read_card(text: str) -> list[PlannedTrade]:
    """Rebuild the typed data from the printed card. Raises ValueError unless every line is one that `card` writes."""
    lines = text.splitlines()
    if not lines or len(lines) % len(_LABELS):
        raise ValueError("a line of the card is missing, or one too many")
    trades = [_read_trade(lines[start : start + len(_LABELS)]) for start in range(0, len(lines), len(_LABELS))]
    if [str(line) for line in card(trades)] != lines:
        raise ValueError("the card says something twice, and differently")
    return trades


def _read_trade(lines: Sequence[str]) -> PlannedTrade:
    values = {}
    for label, line in zip(_LABELS, lines, strict=True):
        if not line.startswith(f"{label:<14}"):
            raise ValueError(f"the card should say {label!r} here: {line!r}")
        values[label] = line[14:]
    side = next((side for side, words in _ACTIONS.items() if words == values["Action"]), None)
    if side is None:
        raise ValueError(f"not an action: {values['Action']!r}")
    paid, received = _UNITS[side]
    name, version, contract, chain_id = _matched(_CONTRACT, values["Contract"])
    sender = values["Sent by"]
    _, deadline_s = _matched(_DEADLINE, values["Valid until"])
    intent = TradeIntent(
        user=Address(values["Your account"]),
        executor=NO_ADDRESS if sender == _ANY_COURIER else Address(sender),
        side=side,
        option_token=Address(values["Option"]),
        router=Address(values["Venue"]),
        amount_in=_read_amount(values["You give"].removeprefix(_UP_TO[side]), paid),
        quoted_amount_out=_read_amount(values["Quoted"], received),
        min_amount_out=_read_amount(values["At least"], received),
        nonce=_read_numeral(values["Nonce"]),
        deadline_s=_read_numeral(deadline_s),
        ref=Hash(values["Reference"]),
    )
    domain = SigningDomain(name, version, _read_numeral(chain_id), Address(contract))
    return PlannedTrade(_matched(_PURPOSE, values["Trade"])[0], domain, intent)


def shown_amount(amount: int) -> str:
    """Write base units of six decimals in full."""
    return f"{amount // 1_000_000}.{amount % 1_000_000:06d}"


def _read_amount(text: str, unit: str) -> int:
    whole, fraction = _matched(_AMOUNT, text.removesuffix(f" {unit}"))
    return int(whole) * 1_000_000 + int(fraction)


def _read_numeral(text: str) -> int:
    if not _NUMERAL.fullmatch(text):
        raise ValueError(f"not a number: {text!r}")
    return int(text)


def _matched(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"the card does not say this so: {text!r}")
    return match.groups()
