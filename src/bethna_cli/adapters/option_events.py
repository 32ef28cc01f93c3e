"""What happened to an account's options, read from logs: trades, payments at expiry, and tokens that just moved.

A trade counts only when a pinned contract itself reported it, a token only when a pinned router says that the series is
its own or a pinned contract traded it; the same words from anybody else are noise. What trades and payments don't
explain of a token's movements left or arrived by other ways. Events of the OptionBook are in `book_events`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter

from bethna_cli.adapters.abi import artifact, hash_text, keccak
from bethna_cli.adapters.book_events import BookLogs
from bethna_cli.adapters.event_words import WORD, Kept, address_word, word_address, words
from bethna_cli.adapters.option_terms import KINDS, terms_of
from bethna_cli.domain.chain import Address, Block, Call, Hash, Log, LogQuery, Receipt
from bethna_cli.domain.errors import ContractMismatch, ContractRefused, EndpointsDisagree
from bethna_cli.domain.position import ChainEvent, EventKind, OptionTerms
from bethna_cli.domain.venue import VenueAddresses
from bethna_cli.ports import Chain, Sighting

TRANSFER = hash_text(keccak(b"Transfer(address,address,uint256)"))
REDEEMED = hash_text(keccak(b"Redeemed(address,uint256,uint256)"))


@dataclass(frozen=True, slots=True)
class Venues:
    """The contracts that are believed. traders: SentientTraders; routers: whose series are options."""

    traders: tuple[Address, ...]
    routers: tuple[Address, ...]
    books: tuple[VenueAddresses, ...] = ()


@cache
def trade_topics() -> Mapping[Hash, EventKind]:
    """Return what tells a purchase from a sale."""
    trader = artifact("SentientTrader")
    return {
        trader.event_topic("OptionPurchased"): EventKind.BOUGHT,
        trader.event_topic("OptionSold"): EventKind.SOLD,
    }


def trades_wanted(traders: tuple[Address, ...]) -> LogQuery:
    """Say which logs are trades, whosever they are."""
    return LogQuery(traders, (tuple(trade_topics()),))


class OptionLogs:
    """`OptionEvents` of SentientTrader and a router's series on one chain."""

    def __init__(self, chain: Chain, venues: Venues) -> None:
        self._chain = chain
        self._venues = venues
        self._trades = trade_topics()
        self._is_series = artifact("ThetanutsTokenRouter").function("isSeries")
        self._terms_of = artifact("OptionSeries").function("terms")
        self._books = BookLogs(chain, venues.books)
        self._strangers: set[Address] = set()

    @property
    def venues(self) -> tuple[Address, ...]:
        return (*self._venues.traders, *(one.book for one in self._venues.books))

    async def first_block(self, account: Address) -> int:
        """Find by halving where the oldest of the contracts was created: none has code before.

        A book is filled by the account itself and is older than most of its customers: there the account's own first
        transaction is early enough.
        """
        head = (await self._chain.block()).number
        created = [await self._created_at(address, head) for address in self.venues]
        if not self._venues.books:
            return min(created, default=head)
        return max(min(created), await self._first_sent(account, head))

    async def _first_sent(self, account: Address, head: int) -> int:
        """Find the block of an account's first transaction, the newest one where it has sent none."""
        silent, found = -1, head
        while found - silent > 1:
            middle = (found + silent) // 2
            has_sent = await self._chain.nonce(account, middle) > 0
            silent, found = (silent, middle) if has_sent else (middle, found)
        return found

    async def _created_at(self, address: Address, head: int) -> int:
        if not (await self._chain.accounts([address], head))[0].code:
            raise ContractMismatch(f"No contract lives at {address}.", hint="bethna contract status")
        without, found = -1, head
        while found - without > 1:
            middle = (found + without) // 2
            (account,) = await self._chain.accounts([address], middle)
            without, found = (without, middle) if account.code else (middle, found)
        return found

    # ── from a run of blocks, from one receipt ────────────────────────────────────────────────────────────────

    async def read(self, account: Address, first: int, last: int, known: Mapping[Address, OptionTerms]) -> Sighting:
        section = await self._chain.section(self._queries(account), first, last)
        await self._confirm(section.logs)
        times = {block.number: block.timestamp_s for block in section.blocks}
        events, terms = await self._events(account, Kept(section.logs, times), known)
        return Sighting(section.blocks, events, terms)

    async def of_receipt(
        self, account: Address, receipt: Receipt, block: Block, known: Mapping[Address, OptionTerms]
    ) -> Sighting:
        kept = Kept(receipt.logs, {block.number: block.timestamp_s})
        events, terms = await self._events(account, kept, known)
        return Sighting((block,), events, terms)

    def _queries(self, account: Address) -> list[LogQuery]:
        word = address_word(account)
        return [
            trades_wanted(self._venues.traders),
            LogQuery((), ((TRANSFER, REDEEMED), (word,))),
            LogQuery((), ((TRANSFER,), None, (word,))),
            *self._books.queries(account),
        ]

    async def _confirm(self, logs: Sequence[Log]) -> None:
        """Where several endpoints are set up, believe a trade only when all of them show it."""
        if self._chain.endpoints == 1:
            return
        trades = [
            log
            for log in logs
            if log.address in self._venues.traders and log.topics[:1] and log.topics[0] in self._trades
        ]
        for log in trades:
            receipt = await self._chain.receipt(log.transaction_hash, confirmed=True)
            if receipt is None or log not in receipt.logs:
                raise EndpointsDisagree(
                    f"RPC endpoints tell different stories of {log.transaction_hash}.", hint="bethna doctor"
                )

    async def _events(
        self, account: Address, kept: Kept, known: Mapping[Address, OptionTerms]
    ) -> tuple[tuple[ChainEvent, ...], dict[Address, OptionTerms]]:
        trades = list(self._read_trades(kept))
        ours = [one for one in trades if one.user == account]
        moved, last = _read_moves(account, kept.logs)
        traded = {one.token for one in ours}
        tokens = traded | await self._options(traded, known, {token for _, token in moved})
        ours += [one for one in _read_redemptions(account, kept) if one.token in tokens]
        moved = {place: contracts for place, contracts in moved.items() if place[1] in tokens}
        ours += _unexplained(account, ours, moved, last, kept)
        terms = await self._read_terms({one.token for one in ours} - set(known))
        taken = Counter(one.transaction for one in trades)
        filled, filled_terms = await self._books.events(account, kept, known, taken)
        return tuple(sorted(ours + filled, key=attrgetter("block_number", "log_index"))), terms | filled_terms

    def _read_trades(self, kept: Kept) -> Iterable[ChainEvent]:
        """Read every account's trades: which one in its transaction a trade is, does not depend on who asks."""
        counts: Counter[Hash] = Counter()
        traders = frozenset(self._venues.traders)
        for log in kept.logs:
            kind = self._trades.get(log.topics[0]) if log.address in traders and log.topics else None
            if kind is None:
                continue
            user, token = word_address(log.topics[1]), word_address(log.topics[2])
            given, got, _ = words(log.data, 3)
            contracts, usdc = (got, given) if kind is EventKind.BOUGHT else (given, got)
            yield kept.event(log, kind, user, log.address, token, contracts, usdc, counts[log.transaction_hash])
            counts[log.transaction_hash] += 1

    async def _options(
        self, traded: set[Address], known: Mapping[Address, OptionTerms], moved: set[Address]
    ) -> set[Address]:
        """Find the options among the tokens that moved: those met before, and those a router calls its own."""
        options = {token for token in moved if token in known}
        asked = sorted(moved - options - traded - self._strangers)
        for router in self._venues.routers:
            calls = [Call(router, self._is_series.encode(token)) for token in asked]
            for token, answer in zip(asked, await self._chain.call_many(calls) if calls else [], strict=True):
                if not isinstance(answer, ContractRefused) and answer and self._is_series.decode(answer)[0]:
                    options.add(token)
        self._strangers |= set(asked) - options
        return options

    async def _read_terms(self, tokens: Iterable[Address]) -> dict[Address, OptionTerms]:
        asked = sorted(tokens)
        calls = [Call(token, self._terms_of.encode()) for token in asked]
        answers = await self._chain.call_many(calls) if calls else []
        return {token: self._terms(token, answer) for token, answer in zip(asked, answers, strict=True)}

    def _terms(self, token: Address, answer: bytes | ContractRefused) -> OptionTerms:
        if isinstance(answer, ContractRefused):
            raise ContractMismatch(f"The option token {token} does not state its terms.") from answer
        ((kind, _, _, asset, lower, upper, expiry),) = self._terms_of.decode(answer)
        try:
            return terms_of(
                asset.rstrip(b"\0").decode("ascii"), KINDS[kind], [lower, upper] if upper else [lower], expiry
            )
        except (ValueError, IndexError, OverflowError) as error:
            raise ContractMismatch(f"The option token {token} states terms that bethna does not know.") from error


def transfers_of(logs: Iterable[Log]) -> Iterator[tuple[Log, int]]:
    """Find the transfers of ERC-20 tokens, each with its base units, and of ERC-721 pieces, each with its number.

    The log's second and third topic are who gave and who got.
    """
    for log in logs:
        topics, data = log.topics, log.data
        if not topics or topics[0] != TRANSFER:
            continue
        if len(topics) == 3 and len(data) == WORD:
            yield log, int.from_bytes(data)
        elif len(topics) == 4 and not data:
            yield log, int(topics[3], 16)


_Place = tuple[Hash, Address]
"""A transaction and a token in it."""


def _read_moves(account: Address, logs: Sequence[Log]) -> tuple[dict[_Place, int], dict[_Place, Log]]:
    """Add up what the transfers brought an account (below nothing: took), also to nothing; and name the last of them.

    Two dictionaries of plain values, because histories hold very many.
    """
    word = address_word(account)
    moved: dict[_Place, int] = {}
    last: dict[_Place, Log] = {}
    for log, value in transfers_of(logs):
        topics = log.topics
        if word in topics[1:] and len(topics) == 3:
            place = (log.transaction_hash, log.address)
            moved[place] = moved.get(place, 0) + value * ((topics[2] == word) - (topics[1] == word))
            last[place] = log
    return moved, last


def _read_redemptions(account: Address, kept: Kept) -> Iterable[ChainEvent]:
    topics, counts = (REDEEMED, address_word(account)), Counter[Hash]()
    for log in kept.logs:
        if log.topics == topics and len(log.data) == 2 * WORD:
            contracts, payout = words(log.data, 2)
            ordinal = counts[log.transaction_hash]
            counts[log.transaction_hash] += 1
            yield kept.event(log, EventKind.REDEEMED, account, log.address, log.address, contracts, payout, ordinal)


def _unexplained(
    account: Address,
    explained: Sequence[ChainEvent],
    moved: Mapping[_Place, int],
    last: Mapping[_Place, Log],
    kept: Kept,
) -> Iterable[ChainEvent]:
    """Say what remains of the movements of each token in each transaction."""
    rest = dict(moved)
    for one in explained:
        place = (one.transaction, one.token)
        if place in rest:
            rest[place] -= one.contracts if one.kind is EventKind.BOUGHT else -one.contracts
    counts: dict[tuple[Hash, bool], int] = {}
    for place, contracts in rest.items():
        if contracts:
            transaction, token = place
            came = contracts > 0
            ordinal = counts.get((transaction, came), 0)
            counts[transaction, came] = ordinal + 1
            kind = EventKind.RECEIVED if came else EventKind.SENT
            yield kept.event(last[place], kind, account, token, token, abs(contracts), 0, ordinal)
