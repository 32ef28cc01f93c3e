"""Beta's checks: may this trade be sent now? All are made and all are reported; a fact that is missing refuses.

They run twice, before the card and after signing, on facts that `flow` collects each time. Nothing here asks a node, a
venue or a clock, and nothing is corrected: a trade passes as it is or not at all.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from bethna_cli.domain.chain import Address, ContractPin, Hash
from bethna_cli.domain.errors import (
    BethnaError,
    ContractMismatch,
    ContractPaused,
    GasTooHigh,
    InsufficientLiquidity,
    QuoteExpired,
    SlippageTooHigh,
    TradeRefused,
)
from bethna_cli.domain.market import Status
from bethna_cli.domain.trade import Side, TradeIntent
from bethna_cli.domain.units import usdc_to_decimal
from bethna_cli.domain.venue import RawOrder
from bethna_cli.execution.approval import FULL, LEAST_SHARE, LONGEST_BUY_S, LONGEST_SELL_S

GWEI = 1_000_000_000
SIGNATURE_BYTES = 65


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """The person's limits; the defaults are for Base.

    gas_execute_wei, gas_ask_wei: up to the first it is sent, up to the second the person is asked, above it waits.
    above_model: how far above its fair value (a fraction) an option may be bought. portfolio_share: of the portfolio in
    one trade, less when the underlying moves more than `usual_volatility` (a fraction a year).
    """

    gas_execute_wei: int = GWEI // 20
    gas_ask_wei: int = GWEI // 10
    quote_age_s: float = 30.0
    quote_life_s: int = 15
    spot_age_s: float = 10.0
    above_model: float = 0.25
    portfolio_share: Fraction = Fraction(20, 100)
    usual_volatility: float = 0.80
    positions_per_asset: int = 3


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the release and the person have confirmed beforehand; nothing here comes from an answer."""

    chain_id: int
    contract: ContractPin
    usdc: Address
    router: Address
    implementations: Collection[Address]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was observed for one trade. None where it could not be learned, which refuses the trade.

    balance_in and allowance: base units of what the person pays with; permit_amount 0 without a permit. gas_cost_wei:
    what all transactions of the plan can cost. simulated_out: what the venue's own quote delivers now, by `eth_call`.
    available_out: what is left of the maker's order. fair_value_usdc: the model's value of one contract, USDC.
    portfolio_usdc: base units, cash and positions. series: the token that the order's terms name on chain.
    is_known: an intent of this digest or nonce was seen before.
    """

    chain_id: int | None
    contract: Address | None
    code_hash: Hash | None
    is_paused: bool | None
    block_time_s: int | None
    gas_price_wei: int | None
    gas_cost_wei: int | None
    balance_wei: int | None
    balance_in: int | None
    allowance: int | None
    permit_amount: int | None
    order: RawOrder | None
    series: Address | None
    quote_age_s: float | None
    simulated_out: int | None
    available_out: int | None
    fair_value_usdc: float | None
    portfolio_usdc: int | None
    open_positions: int | None
    volatility: float | None
    market_status: Status | None
    spot_age_s: float | None
    is_known: bool | None


class Verdict(StrEnum):
    """PASS lets it through, WARN says something, ASK needs the person's yes, FAIL refuses."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    ASK = "ask"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table: what was checked, how it came out, and the numbers."""

    check: str
    verdict: Verdict
    words: str
    error: type[BethnaError] = TradeRefused
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One trade with everything that is held against it."""

    intent: TradeIntent
    facts: Facts
    pinned: Pinned
    limits: CheckLimits


Rule = Callable[[Question], tuple[Verdict, str]]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule with its name, the facts it cannot do without, the error when it refuses, and whom it concerns."""

    name: str
    rule: Rule
    needs: tuple[str, ...]
    error: type[BethnaError] = TradeRefused
    hint: str | None = None
    sides: tuple[Side, ...] = (Side.BUY, Side.SELL)


def run_checks(
    intent: TradeIntent, facts: Facts, pinned: Pinned, limits: CheckLimits | None = None
) -> tuple[Result, ...]:
    """Make every check that concerns this side, in a fixed order, whatever the others say."""
    question = Question(intent, facts, pinned, limits or CheckLimits())
    return tuple(_result(check, question) for check in CHECKS if intent.side in check.sides)


def first_refusal(results: Iterable[Result]) -> BethnaError | None:
    """Return the error of the first check that refuses, None when none does."""
    for result in results:
        if result.verdict is Verdict.FAIL:
            return result.error(result.words, hint=result.hint)
    return None


def _result(check: Check, question: Question) -> Result:
    missing = [name for name in check.needs if not _is_known(getattr(question.facts, name))]
    if missing:
        verdict, words = Verdict.FAIL, f"Not known: {', '.join(missing)}."
    else:
        verdict, words = check.rule(question)
    return Result(check.name, verdict, words, check.error, check.hint)


def _is_known(value: object) -> bool:
    """A number that is not finite is not known, and neither is a count or an age below nothing."""
    if value is None or isinstance(value, bool):
        return value is not None
    if isinstance(value, int | float):
        return math.isfinite(value) and value >= 0
    return True


def _pass_if(is_ok: bool, words: str) -> tuple[Verdict, str]:
    return (Verdict.PASS if is_ok else Verdict.FAIL), words


# ── chain and contract ────────────────────────────────────────────────────────────────────────────────────────────


def _chain(q: Question) -> tuple[Verdict, str]:
    found, wanted = q.facts.chain_id, q.pinned.chain_id
    return _pass_if(type(found) is int and found == wanted, f"The node serves chain {found}; it should be {wanted}.")


def _contract(q: Question) -> tuple[Verdict, str]:
    pin = q.pinned.contract
    is_pinned = (q.facts.contract, q.facts.code_hash) == (pin.address, pin.code_hash)
    return _pass_if(is_pinned, f"{q.facts.contract} runs the {'pinned' if is_pinned else 'wrong'} code.")


def _venue(q: Question) -> tuple[Verdict, str]:
    return _pass_if(q.intent.router == q.pinned.router, f"The trade goes through {q.intent.router}.")


def _paused(q: Question) -> tuple[Verdict, str]:
    side = q.intent.side.name.lower()
    words = f"The contract has paused every {side}." if q.facts.is_paused else f"The contract takes a {side}."
    return _pass_if(q.facts.is_paused is False, words)


def _duplicate(q: Question) -> tuple[Verdict, str]:
    words = "This trade was approved before." if q.facts.is_known else "It was not approved before."
    return _pass_if(q.facts.is_known is False, words)


def _deadline(q: Question) -> tuple[Verdict, str]:
    left_s = q.intent.deadline_s - (q.facts.block_time_s or 0)
    longest_s = LONGEST_BUY_S if q.intent.side is Side.BUY else LONGEST_SELL_S
    return _pass_if(0 < left_s <= longest_s, f"The deadline is in {left_s} s; the contract takes 1 to {longest_s} s.")


# ── gas and money ─────────────────────────────────────────────────────────────────────────────────────────────────


def _gas(q: Question) -> tuple[Verdict, str]:
    price, limits = q.facts.gas_price_wei or 0, q.limits
    words = f"Gas costs {price / GWEI:.4f} gwei; up to {limits.gas_execute_wei / GWEI:g} it is sent"
    words += f", up to {limits.gas_ask_wei / GWEI:g} you are asked."
    if price > limits.gas_ask_wei:
        return Verdict.FAIL, words
    return (Verdict.ASK if price > limits.gas_execute_wei else Verdict.PASS), words


def _gas_money(q: Question) -> tuple[Verdict, str]:
    has, needs = q.facts.balance_wei or 0, q.facts.gas_cost_wei or 0
    return _pass_if(has >= needs, f"The account holds {has / 10**18:.6f} ETH; gas can cost {needs / 10**18:.6f}.")


def _balance(q: Question) -> tuple[Verdict, str]:
    has, wanted = q.facts.balance_in or 0, q.intent.amount_in
    unit = "USDC" if q.intent.side is Side.BUY else "contracts"
    # For a sale the amount is a ceiling: the contract sells what is there.
    is_enough = has >= wanted if q.intent.side is Side.BUY else has > 0
    return _pass_if(is_enough, f"The account holds {usdc_to_decimal(has)} {unit} of {usdc_to_decimal(wanted)}.")


def _allowance(q: Question) -> tuple[Verdict, str]:
    granted = max(q.facts.allowance or 0, q.facts.permit_amount or 0)
    wanted = min(q.intent.amount_in, q.facts.balance_in or 0) if q.intent.side is Side.SELL else q.intent.amount_in
    return _pass_if(
        granted >= wanted, f"The contract may take {usdc_to_decimal(granted)} of {usdc_to_decimal(wanted)}."
    )


# ── the quote ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _order(q: Question) -> tuple[Verdict, str]:
    """The maker's order is for this venue, this token, this side, and signed."""
    order, wants_bid = q.facts.order, q.intent.side is Side.SELL
    if order is None:
        return Verdict.FAIL, "There is no order."
    wrong = [
        name
        for name, is_right in (
            ("chain", order.chain_id == q.pinned.chain_id),
            ("book", order.book == q.pinned.router),
            ("collateral", order.collateral == q.pinned.usdc),
            ("payoff", order.implementation in q.pinned.implementations),
            ("side", order.is_long is wants_bid),
            ("series", q.facts.series == q.intent.option_token),
            ("signature", _is_signature(order.signature)),
            ("price", type(order.price) is int and order.price > 0),
        )
        if not is_right
    ]
    return _pass_if(
        not wrong, f"The maker's order has the wrong {', '.join(wrong)}." if wrong else "It fits the trade."
    )


def _is_signature(text: str) -> bool:
    try:
        signature = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return False
    return len(signature) == SIGNATURE_BYTES and any(signature)


def _quote_age(q: Question) -> tuple[Verdict, str]:
    age_s, limit_s = q.facts.quote_age_s or 0.0, q.limits.quote_age_s
    return _pass_if(age_s <= limit_s, f"The quote is {age_s:.0f} s old; the limit is {limit_s:.0f} s.")


def _quote_life(q: Question) -> tuple[Verdict, str]:
    good_until_s = q.facts.order.order_expiry_timestamp if q.facts.order else 0
    left_s, least_s = good_until_s - (q.facts.block_time_s or 0), q.limits.quote_life_s
    return _pass_if(left_s >= least_s, f"The quote lives for {left_s} s; it takes {least_s} s.")


def _liquidity(q: Question) -> tuple[Verdict, str]:
    offered, wanted = q.facts.available_out or 0, q.intent.quoted_amount_out
    return _pass_if(offered >= wanted, f"The maker offers {usdc_to_decimal(offered)} of {usdc_to_decimal(wanted)}.")


def _slippage(q: Question) -> tuple[Verdict, str]:
    got, least, quoted = q.facts.simulated_out or 0, q.intent.min_amount_out, q.intent.quoted_amount_out
    is_tight = least > 0 and least * FULL >= quoted * LEAST_SHARE
    words = f"The venue delivers {usdc_to_decimal(got)} now; agreed were {usdc_to_decimal(least)} or more"
    return _pass_if(is_tight and got >= least, f"{words} of {usdc_to_decimal(quoted)}.")


def _fair_value(q: Question) -> tuple[Verdict, str]:
    fair, limit = q.facts.fair_value_usdc or 0.0, q.limits.above_model
    price = q.intent.amount_in / max(1, q.intent.quoted_amount_out)
    words = f"A contract costs {price:.2f} USDC; the model values it at {fair:.2f}, and {limit:.0%} more is the limit."
    return _pass_if(fair > 0 and price <= fair * (1 + limit), words)


# ── the market and the size ───────────────────────────────────────────────────────────────────────────────────────


def _market(q: Question) -> tuple[Verdict, str]:
    status = q.facts.market_status
    return _pass_if(status is Status.OK, f"The market data is {status.value if status else 'unknown'}.")


def _spot(q: Question) -> tuple[Verdict, str]:
    age_s, limit_s = q.facts.spot_age_s or 0.0, q.limits.spot_age_s
    return _pass_if(age_s <= limit_s, f"The spot price is {age_s:.0f} s old; the limit is {limit_s:.0f} s.")


def _size(q: Question) -> tuple[Verdict, str]:
    """The share of the portfolio shrinks as the underlying moves more than it usually does."""
    volatility = Fraction(q.facts.volatility or 0.0)
    calm = Fraction(q.limits.usual_volatility)
    share = q.limits.portfolio_share * (min(Fraction(1), calm / volatility) if volatility else 1)
    largest = int((q.facts.portfolio_usdc or 0) * share)
    words = f"{usdc_to_decimal(q.intent.amount_in)} USDC; at {float(volatility):.0%} volatility the limit is "
    return _pass_if(q.intent.amount_in <= largest, f"{words}{usdc_to_decimal(largest)} ({float(share):.0%}).")


def _positions(q: Question) -> tuple[Verdict, str]:
    count, usual = q.facts.open_positions or 0, q.limits.positions_per_asset
    words = f"{count} positions on this asset are open; {usual} are plenty."
    return (Verdict.WARN if count >= usual else Verdict.PASS), words


_BUY = (Side.BUY,)
_FRESH = "bethna recommend ETH"
CHECKS: Sequence[Check] = (
    Check("chain", _chain, ("chain_id",), ContractMismatch, "bethna config set rpc_url"),
    Check("contract", _contract, ("contract", "code_hash"), ContractMismatch, "bethna contract verify"),
    Check("venue", _venue, (), ContractMismatch, "bethna contract verify"),
    Check("paused", _paused, ("is_paused",), ContractPaused, "bethna contract status"),
    Check("duplicate", _duplicate, ("is_known",), TradeRefused, "bethna trades"),
    Check("deadline", _deadline, ("block_time_s",), TradeRefused, _FRESH),
    Check("gas price", _gas, ("gas_price_wei",), GasTooHigh),
    Check("gas money", _gas_money, ("balance_wei", "gas_cost_wei"), TradeRefused, "bethna wallet balance"),
    Check("balance", _balance, ("balance_in",), TradeRefused, "bethna wallet balance"),
    Check("allowance", _allowance, ("allowance", "permit_amount"), TradeRefused, "bethna wallet show"),
    Check("order", _order, ("order", "series"), TradeRefused, _FRESH),
    Check("quote age", _quote_age, ("quote_age_s",), QuoteExpired, _FRESH),
    Check("quote life", _quote_life, ("order", "block_time_s"), QuoteExpired, _FRESH),
    Check("liquidity", _liquidity, ("available_out",), InsufficientLiquidity, _FRESH),
    Check("slippage", _slippage, ("simulated_out",), SlippageTooHigh, _FRESH),
    Check("fair value", _fair_value, ("fair_value_usdc",), TradeRefused, _FRESH, _BUY),
    Check("market", _market, ("market_status",), TradeRefused, "bethna doctor"),
    Check("spot age", _spot, ("spot_age_s",), TradeRefused, "bethna doctor"),
    Check("size", _size, ("portfolio_usdc", "volatility"), TradeRefused, None, _BUY),
    Check("positions", _positions, ("open_positions",), TradeRefused, "bethna trades", _BUY),
)
"""Every check, in the order of the table. What makes the others pointless comes first."""
