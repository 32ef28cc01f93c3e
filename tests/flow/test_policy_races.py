"""The day's limit holds whoever buys at the same time: it is asked once more while nobody else can journal."""

import asyncio
from dataclasses import replace

import pytest

from approval_desk import HereSigner, allowed, opened, recommended
from bethna_cli.adapters.journal import SqliteJournal
from bethna_cli.cli.consent import WithinPolicy
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.journal import JournalEntry, TradeState
from bethna_cli.domain.options import OptionKind
from bethna_cli.flow.approve import approve
from bethna_cli.flow.carry import Carried
from bethna_cli.flow.review import Review
from execution_desk import Market

USDC = 1_000_000


async def buy(market: Market, consent: WithinPolicy, usdc: int) -> Carried:
    async with opened(market, HereSigner()) as desk:
        return await approve(desk, await recommended(desk, OptionKind.CALL, usdc=usdc), consent)


def test_a_purchase_that_another_process_journals_after_the_yes_is_counted(market: Market):
    policies = allowed(market, per_day=60)

    class Overtaken(WithinPolicy):
        def ask(self, shown: Review) -> None:
            super().ask(shown)
            journal = SqliteJournal.open(market.store)
            trade = replace(
                shown.trades[0], intent=replace(shown.trades[0].intent, nonce=1, ref=Hash("0x" + "99" * 32))
            )
            name = Hash("0x" + "99" * 32)
            journal.add([JournalEntry(name, name, trade, TradeState.APPROVED, 1)], market.clock.now())
            journal.close()

    with pytest.raises(TradeRefused, match="are left until"):
        asyncio.run(buy(market, Overtaken(policies), 50))
    policies.close()
