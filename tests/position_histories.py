"""Histories of one account's options, as a chain might tell them: purchases, sales, transfers, payments at expiry."""

import random
from datetime import UTC, datetime
from decimal import Decimal

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import ChainEvent, Cursor, EventKind, OptionTerms, Reach, Stretch

CHAIN_ID = 779_977
HOLDER = Address("0x" + "aa" * 20)
TRADER = Address("0x" + "bb" * 20)
TOKENS = (Address("0x" + "c1" * 20), Address("0x" + "c2" * 20))
EXPIRY = datetime(2026, 12, 4, 8, tzinfo=UTC)
TERMS = {
    TOKENS[0]: OptionTerms(Asset.ETH, OptionKind.CALL, (Decimal(3200),), EXPIRY, "ETH-4DEC26-3200-C"),
    TOKENS[1]: OptionTerms(
        Asset.BTC, OptionKind.PUT_SPREAD, (Decimal(80000), Decimal(90000)), EXPIRY, "BTC-4DEC26-90000/80000-PUT_SPREAD"
    ),
}
START_S = 1_795_600_000


def block_hash(number: int, fork: int = 0) -> Hash:
    return Hash(f"0x{fork:08x}{number:056x}")


def event(
    kind: EventKind, contracts: int, usdc: int, block: int, *, token: Address = TOKENS[0], name: int = 0, log: int = 0
) -> ChainEvent:
    """One event alone in its block, in a transaction named by a number, or by its block."""
    return ChainEvent(
        kind=kind,
        user=HOLDER,
        venue=TRADER,
        token=token,
        contracts=contracts,
        usdc=usdc,
        transaction=Hash(f"0x{name or block:064x}"),
        ordinal=0,
        block_number=block,
        block_hash=block_hash(block),
        time_s=START_S + 2 * block,
        log_index=log,
    )


def reach_to(number: int, *, safe: int = 0, final: int = 0) -> Reach:
    return Reach(HOLDER, (TRADER,), 0, Cursor(number, block_hash(number)), safe, final)


def stretch(first: int, last: int, events: list[ChainEvent], *, final: int = 0, is_head: bool = False) -> Stretch:
    within = tuple(one for one in events if first <= one.block_number <= last)
    return Stretch(first, last, reach_to(last, final=final), within, TERMS, is_head)


def random_history(chance: random.Random, blocks: int, first: int = 1) -> list[ChainEvent]:
    """Events that a real account could have made: nobody sells or sends what they do not hold."""
    held = dict.fromkeys(TOKENS, 0)
    events: list[ChainEvent] = []
    for block in range(first, first + blocks):
        token = chance.choice(TOKENS)
        if chance.random() < 0.4:
            continue
        kind = chance.choice([EventKind.BOUGHT, EventKind.BOUGHT, EventKind.RECEIVED, *list(EventKind)])
        if kind in (EventKind.BOUGHT, EventKind.RECEIVED):
            contracts = chance.randint(1, 5_000_000)
            held[token] += contracts
        else:
            if not held[token]:
                continue
            contracts = held[token] if chance.random() < 0.4 else chance.randint(1, held[token])
            held[token] -= contracts
        moves_money = kind not in (EventKind.RECEIVED, EventKind.SENT)
        usdc = chance.randint(0, 90_000_000) if moves_money else 0
        events.append(event(kind, contracts, usdc, block, token=token, name=chance.getrandbits(200)))
    return events
