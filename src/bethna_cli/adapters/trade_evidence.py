"""What a chain shows of a trade: the contract's nonce bit, its event, and the tokens that moved.

An event counts only when the pinned contract itself sent it; the same words from another address are an alarm.
"""

from collections.abc import Sequence

from bethna_cli.adapters.abi import artifact, decode, hash_text, keccak
from bethna_cli.domain.chain import Address, BlockAt, Call, Hash, Log, LogQuery, Receipt
from bethna_cli.domain.errors import ChainAnomaly
from bethna_cli.domain.journal import Fill
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.ports import Chain

LOG_BLOCKS = 10_000
_TRANSFER = hash_text(keccak(b"Transfer(address,address,uint256)"))
_EVENTS = {Side.BUY: "OptionPurchased", Side.SELL: "OptionSold"}


class ChainEvidence:
    """`TradeEvidence` on one chain, where USDC is at `usdc`."""

    def __init__(self, chain: Chain, usdc: Address) -> None:
        self._chain = chain
        self._usdc = usdc
        self._trader = artifact("SentientTrader")
        self._executed = self._trader.event_topic("IntentExecuted")

    async def is_nonce_used(self, trade: PlannedTrade, at: BlockAt) -> bool:
        function = self._trader.function("isNonceUsed")
        data = function.encode(trade.intent.user, trade.intent.nonce)
        output = await self._chain.call(Call(trade.domain.verifying_contract, data), at)
        if not output:
            return False  # at that block the contract was not there yet
        (is_used,) = function.decode(output)
        return bool(is_used)

    async def execution(self, trade: PlannedTrade, digest: Hash, first: int, last: int) -> Hash | None:
        query = LogQuery((trade.domain.verifying_contract,), ((self._executed,), (digest,)))
        for start in range(first, last + 1, LOG_BLOCKS):
            found = await self._chain.logs(query, start, min(last, start + LOG_BLOCKS - 1))
            if found:
                return found[0].transaction_hash
        return None

    def fill(self, trade: PlannedTrade, digest: Hash, receipt: Receipt) -> Fill:
        contract = trade.domain.verifying_contract
        executions = [log for log in receipt.logs if log.topics[:1] == (self._executed,)]
        ours = [log for log in executions if log.address == contract]
        place = next((n for n, log in enumerate(ours) if log.topics[1:2] == (digest,)), None)
        if place is None:
            strangers = sorted({log.address for log in executions if log.topics[1:2] == (digest,)})
            what = f"{strangers[0]} claims to have executed it" if strangers else "the contract says nothing of it"
            raise ChainAnomaly(f"Transaction {receipt.transaction_hash} succeeded, but {what}.", hint="bethna trades")
        amounts = self._amounts(trade, receipt.logs, ours[place])
        self._compare(trade, receipt, amounts, is_alone=len(ours) == 1)
        return Fill(
            transaction=receipt.transaction_hash,
            ordinal=place,
            block_number=receipt.block_number,
            block_hash=receipt.block_hash,
            amount_in=amounts[0],
            amount_out=amounts[1],
            gas_used=receipt.gas_used,
            gas_price_wei=receipt.gas_price_wei,
        )

    def _amounts(self, trade: PlannedTrade, logs: Sequence[Log], executed: Log) -> tuple[int, int]:
        """Read the purchase or sale that the contract reported last before it said that it executed the intent."""
        intent, contract = trade.intent, trade.domain.verifying_contract
        topics = (self._trader.event_topic(_EVENTS[intent.side]), word(intent.user), word(intent.option_token))
        before = [log for log in logs if log.address == contract and log.log_index < executed.log_index]
        if not before or before[-1].topics != topics:
            raise ChainAnomaly(
                f"The contract executed the intent in {executed.transaction_hash}, but reported another trade.",
                hint="bethna trades",
            )
        amount_in, amount_out, _ = decode(("uint256", "uint256", "uint256"), before[-1].data)
        return int(amount_in), int(amount_out)

    def _compare(self, trade: PlannedTrade, receipt: Receipt, amounts: tuple[int, int], *, is_alone: bool) -> None:
        """Raise ChainAnomaly unless the amounts are what was signed and what moved at the person's account."""
        intent, (amount_in, amount_out) = trade.intent, amounts
        given, got = self._usdc, intent.option_token
        if intent.side is Side.SELL:
            given, got = got, given
        # A sale of less than the ceiling needs its share of the minimum, rounded up.
        share = amount_in if intent.side is Side.SELL else intent.amount_in
        least = -(-intent.min_amount_out * min(share, intent.amount_in) // max(1, intent.amount_in))
        if amount_in > intent.amount_in or amount_out < least:
            raise ChainAnomaly(f"{receipt.transaction_hash} did what nobody signed: {amount_in} for {amount_out}.")
        moved = (-net_transfer(given, intent.user, receipt.logs), net_transfer(got, intent.user, receipt.logs))
        if is_alone and moved != amounts:
            raise ChainAnomaly(f"{receipt.transaction_hash} reports {amounts}, but {moved} moved.")


def net_transfer(token: Address, account: Address, logs: Sequence[Log]) -> int:
    """Add up what came to an account and left it, in a token's own words."""
    ours, net = word(account), 0
    for log in logs:
        if log.address == token and log.topics[:1] == (_TRANSFER,) and len(log.topics) == 3:
            amount = int.from_bytes(log.data, "big")
            net += amount * ((log.topics[2] == ours) - (log.topics[1] == ours))
    return net


def word(address: Address) -> Hash:
    """Return an address as a topic of an event."""
    return Hash("0x" + "00" * 12 + address[2:])
