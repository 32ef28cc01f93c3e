"""Exits as the person signs them beforehand: a stop-loss and a take-profit that share a nonce, for the watcher to send.

Everything is counted from what the position cost and from when its option expires. Nothing here asks or signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bethna_cli.domain.chain import Address, Hash, SigningDomain
from bethna_cli.domain.mandate import FULL, ExitTerms, MandateKind
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.execution.approval import LONGEST_SELL_S, Keccak, intent_nonce

BEFORE_EXPIRY_S = 3_600
LEAST_LIFE_S = 3_600
"""Below it a mandate is not worth its signature: in its last quarter of an hour the contract takes it no more."""


@dataclass(frozen=True, slots=True)
class Protected:
    """What exits are to protect: tokens, what they cost (USDC base units), and when the option expires."""

    token: Address
    router: Address
    contracts: int
    cost: int
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class ExitFrame:
    """What the exits of one plan share. number: which of the plan's positions they are for, 0 for its only one."""

    plan_id: Hash
    domain: SigningDomain
    user: Address
    watcher: Address
    ref: Hash
    block_time_s: int
    number: int = 0


def exit_intents(position: Protected, terms: ExitTerms, frame: ExitFrame, keccak: Keccak) -> tuple[PlannedTrade, ...]:
    """Return the sales that the watcher may send, none when the option expires too soon for one.

    They live until an hour before expiry, 30 days at most.
    """
    last_s = min(position.expires_at_s - BEFORE_EXPIRY_S, frame.block_time_s + LONGEST_SELL_S)
    if last_s - frame.block_time_s < LEAST_LIFE_S or position.contracts <= 0:
        return ()
    suffix = f"-{frame.number}" if frame.number else ""
    nonce = intent_nonce(frame.plan_id, f"exits{suffix}", keccak)
    found = []
    for kind in MandateKind:
        trigger = terms.trigger(kind, position.cost)
        if trigger:
            intent = TradeIntent(
                user=frame.user,
                executor=frame.watcher,
                side=Side.SELL,
                option_token=position.token,
                router=position.router,
                amount_in=position.contracts,
                quoted_amount_out=trigger,
                min_amount_out=max(1, trigger * terms.floor // FULL),
                nonce=nonce,
                deadline_s=last_s,
                ref=frame.ref,
            )
            found.append(PlannedTrade(f"{kind.value}{suffix}", frame.domain, intent))
    return tuple(found)


def kind_of(trade: PlannedTrade) -> MandateKind:
    """Say which exit a planned sale is, by its purpose. Raises ValueError when it is none."""
    return next(kind for kind in MandateKind if trade.purpose.startswith(kind.value))


def worst_case(exits: Sequence[PlannedTrade]) -> int:
    """Return the least that a stolen watcher key could have all of it sold for, USDC base units."""
    return min(trade.intent.min_amount_out for trade in exits)
