"""A purchase straight from a maker's order at the order book, from the person's own account: terms and card.

The book knows no intents: the trade names one order by its handle, the exact premium and the exact contracts, and lives
as long as the order. What is signed is the transaction that fills it. Exits cannot be signed ahead for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bethna_cli.domain.chain import Address, SigningDomain
from bethna_cli.domain.errors import UsageError
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import Contracts, PriceE8, contracts_for, from_unix, iso, proceeds_of
from bethna_cli.domain.venue import RawOrder
from bethna_cli.execution.approval import CardLine, Keccak, intent_nonce, shown_amount
from bethna_cli.execution.plan import Terms

DOMAIN_NAME, DOMAIN_VERSION = "OptionBook", "1.0"
EXPERIMENTAL = "EXPERIMENTAL: a direct fill of the order book, which nobody has tried on a fork of the real chain yet"


@dataclass(frozen=True, slots=True)
class DirectLeg:
    """An order, what it is called, and the most that may be paid, USDC base units."""

    order: RawOrder
    handle: Address
    amount_in: int


def direct_domain(chain_id: int, book: Address) -> SigningDomain:
    """Return the domain that marks a trade as a direct fill of `book`."""
    return SigningDomain(DOMAIN_NAME, DOMAIN_VERSION, chain_id, book)


def is_direct(trade: PlannedTrade) -> bool:
    """Say whether a trade fills the order book itself."""
    return trade.domain.name == DOMAIN_NAME


def direct_trades(legs: Sequence[DirectLeg], terms: Terms, keccak: Keccak) -> tuple[PlannedTrade, ...]:
    """Return one trade per order, for as many contracts as its amount buys. Raises UsageError for none at all."""
    purposes = ["buy"] if len(legs) == 1 else [f"buy-{number}" for number in range(1, len(legs) + 1)]
    return tuple(
        PlannedTrade(purpose, terms.domain, _fill(leg, purpose, terms, keccak))
        for purpose, leg in zip(purposes, legs, strict=True)
    )


def _fill(leg: DirectLeg, purpose: str, terms: Terms, keccak: Keccak) -> TradeIntent:
    price = PriceE8(leg.order.price)
    contracts = contracts_for(leg.amount_in, price)
    premium = proceeds_of(contracts, price)
    if premium <= 0:
        raise UsageError("That buys less than the smallest part of a contract.", hint="bethna buy -h")
    return TradeIntent(
        user=terms.user,
        executor=terms.user,
        side=Side.BUY,
        option_token=leg.handle,
        router=terms.domain.verifying_contract,
        amount_in=premium,
        quoted_amount_out=Contracts(contracts),
        min_amount_out=Contracts(contracts),
        nonce=intent_nonce(terms.plan_id, purpose, keccak),
        deadline_s=leg.order.order_expiry_timestamp,
        ref=terms.ref,
    )


def direct_card(trades: Sequence[PlannedTrade]) -> list[CardLine]:
    """Write everything that the transactions will do, nothing left out and nothing added."""
    return [line for number, trade in enumerate(trades, 1) for line in _card_of(trade, number, len(trades))]


def _card_of(trade: PlannedTrade, number: int, count: int) -> list[CardLine]:
    intent, domain = trade.intent, trade.domain
    return [
        CardLine("Trade", f"{number} of {count}: {trade.purpose}"),
        CardLine("Caution", EXPERIMENTAL),
        CardLine("Action", "fill this one order from your own account, at its signed price"),
        CardLine("Order", intent.option_token),
        CardLine("You give", f"{shown_amount(intent.amount_in)} USDC"),
        CardLine("You get", f"{shown_amount(intent.min_amount_out)} contracts, or nothing happens"),
        CardLine("Your account", intent.user),
        CardLine("Valid until", f"{iso(from_unix(intent.deadline_s))} ({intent.deadline_s})"),
        CardLine("Exits", "cannot be authorised ahead; selling early takes a maker's answer"),
        CardLine("Reference", intent.ref),
        CardLine("Contract", f"{domain.name} {domain.version} {domain.verifying_contract} on chain {domain.chain_id}"),
    ]
