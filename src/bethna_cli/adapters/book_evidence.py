"""What a chain shows of a direct fill of the order book: its event, the option it made, and the USDC that moved.

Nothing in the contract tells that an order was filled by this very decision, so there is no nonce to look at: once-only
rests on the account's own nonce and on the order's life. An event counts only when the pinned book itself sent it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bethna_cli.adapters.abi import artifact, decode
from bethna_cli.adapters.trade_evidence import ChainEvidence, net_transfer, word
from bethna_cli.domain.chain import Address, BlockAt, Hash, Log, Receipt
from bethna_cli.domain.errors import ChainAnomaly
from bethna_cli.domain.journal import Fill
from bethna_cli.domain.trade import PlannedTrade

BOOK_DOMAIN = "OptionBook"
_FILLED = ("address", "uint256", "uint256", "address", "uint256", "bool")
_MADE = ("uint256", "address", "address", "uint256[]", "uint256", "uint256", "uint256", "bytes")


@dataclass(frozen=True, slots=True)
class BookFill:
    """One `OrderFilled` of the book: who has which role on which option, and what was paid, USDC base units."""

    buyer: Address
    seller: Address
    option: Address
    premium: int
    fee: int


def book_fills(logs: Sequence[Log], book: Address) -> list[BookFill]:
    """Read the fills that `book` reported, in order. Raises ChainAnomaly for one that is not readable."""
    topic = artifact("DevelopmentOptionBook").event_topic("OrderFilled")
    return [_book_fill(log) for log in logs if log.address == book and log.topics[:1] == (topic,)]


def _book_fill(log: Log) -> BookFill:
    if len(log.topics) != 4:
        raise ChainAnomaly(f"The book's event in {log.transaction_hash} has another shape.")
    try:
        option, premium, fee, *_ = decode(_FILLED, log.data)
    except ValueError:
        raise ChainAnomaly(f"The book's event in {log.transaction_hash} has another shape.") from None
    buyer, seller = (Address("0x" + topic[-40:]) for topic in log.topics[2:])
    return BookFill(buyer, seller, Address(option), int(premium), int(fee))


class BookEvidence:
    """`TradeEvidence` for direct fills, where USDC is at `usdc`."""

    def __init__(self, usdc: Address) -> None:
        self._usdc = usdc
        self._made = artifact("DevelopmentBookOption").event_topic("OptionInitialized")

    async def is_nonce_used(self, trade: PlannedTrade, at: BlockAt) -> bool:  # noqa: ARG002
        return False

    async def execution(self, trade: PlannedTrade, digest: Hash, first: int, last: int) -> Hash | None:  # noqa: ARG002
        return None

    def fill(self, trade: PlannedTrade, digest: Hash, receipt: Receipt) -> Fill:  # noqa: ARG002
        intent, book = trade.intent, trade.domain.verifying_contract
        found = book_fills(receipt.logs, book)
        place = next((number for number, one in enumerate(found) if one.buyer == intent.user), None)
        if place is None:
            raise ChainAnomaly(
                f"Transaction {receipt.transaction_hash} succeeded, but the book says nothing of it.",
                hint="bethna trades",
            )
        contracts = self._contracts(found[place], book, receipt)
        paid = -net_transfer(self._usdc, intent.user, receipt.logs)
        done, agreed = (found[place].premium, contracts), (intent.amount_in, intent.quoted_amount_out)
        if done != agreed or paid != intent.amount_in:
            raise ChainAnomaly(f"{receipt.transaction_hash} did what nobody agreed to: {done} for {paid} USDC units.")
        return Fill(
            transaction=receipt.transaction_hash,
            ordinal=place,
            block_number=receipt.block_number,
            block_hash=receipt.block_hash,
            amount_in=paid,
            amount_out=contracts,
            gas_used=receipt.gas_used,
            gas_price_wei=receipt.gas_price_wei,
        )

    def _contracts(self, fill: BookFill, book: Address, receipt: Receipt) -> int:
        """Return the size of the option that a fill made, by the option's own event."""
        topics = (self._made, word(fill.buyer), word(fill.seller), word(book))
        made = [one for one in receipt.logs if one.address == fill.option and one.topics == topics]
        try:
            _, token, _, _, _, contracts, _, _ = decode(_MADE, made[0].data)
        except (IndexError, ValueError):
            raise ChainAnomaly(f"{receipt.transaction_hash} made no option for this account.") from None
        if token != self._usdc:
            raise ChainAnomaly(f"{receipt.transaction_hash} made an option on another collateral.")
        return int(contracts)


class EvidenceByVenue:
    """`TradeEvidence` for a journal that knows both venues; a trade's signing domain says which it was."""

    def __init__(self, trader: ChainEvidence, book: BookEvidence) -> None:
        self._trader = trader
        self._book = book

    def _of(self, trade: PlannedTrade) -> ChainEvidence | BookEvidence:
        return self._book if trade.domain.name == BOOK_DOMAIN else self._trader

    async def is_nonce_used(self, trade: PlannedTrade, at: BlockAt) -> bool:
        return await self._of(trade).is_nonce_used(trade, at)

    async def execution(self, trade: PlannedTrade, digest: Hash, first: int, last: int) -> Hash | None:
        return await self._of(trade).execution(trade, digest, first, last)

    def fill(self, trade: PlannedTrade, digest: Hash, receipt: Receipt) -> Fill:
        return self._of(trade).fill(trade, digest, receipt)
