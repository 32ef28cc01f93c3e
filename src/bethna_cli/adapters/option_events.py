"""What happened to an account's options, read from logs: trades, payments at expiry, and tokens that just moved.

A trade counts only when a pinned contract itself reported it, a token only when a pinned router says that the series is
its own or a pinned contract traded it; the same words from anybody else are noise. What trades and payments don't
explain of a token's movements left or arrived by other ways. Events of the OptionBook are in `book_events`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from bethna_cli.adapters.abi import artifact, hash_text, keccak
from bethna_cli.adapters.book_events import BookLogs
from bethna_cli.adapters.event_words import WORD, Seen, address_word, word_address, words
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
        times = {block.number: block.timestamp_s for block in section.blocks}
        await self._confirm(section.logs)
        events, terms = await self._events(account, section.logs, times, known)
        return Sighting(section.blocks, events, terms)

    async def of_receipt(
        self, account: Address, receipt: Receipt, block: Block, known: Mapping[Address, OptionTerms]
    ) -> Sighting:
        events, terms = await self._events(account, receipt.logs, {block.number: block.timestamp_s}, known)
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
        self,
        account: Address,
        logs: Sequence[Log],
        times: Mapping[int, int],
        known: Mapping[Address, OptionTerms],
    ) -> tuple[tuple[ChainEvent, ...], dict[Address, OptionTerms]]:
        trades = list(self._read_trades(logs))
        moves = list(_read_moves(account, logs))
        traded = {one.token for one in trades if one.user == account}
        tokens = traded | await self._options(traded, known, {one.log.address for one in moves})
        ours = [one for one in trades if one.user == account]
        ours += [one for one in _read_redemptions(account, logs) if one.token in tokens]
        ours += _unexplained(account, ours, [one for one in moves if one.log.address in tokens])
        terms = await self._read_terms({one.token for one in ours} - set(known))
        taken = Counter(one.log.transaction_hash for one in trades)
        filled, filled_terms = await self._books.events(account, logs, known, taken)
        ours, terms = ours + filled, terms | filled_terms
        return tuple(one.event(times) for one in sorted(ours, key=lambda one: one.place)), terms

    def _read_trades(self, logs: Sequence[Log]) -> Iterable[Seen]:
        """Read every account's trades: which one in its transaction a trade is, does not depend on who asks."""
        counts: dict[Hash, int] = {}
        for log in logs:
            kind = self._trades.get(log.topics[0]) if log.topics else None
            if kind is None or log.address not in self._venues.traders:
                continue
            ordinal = counts.get(log.transaction_hash, 0)
            counts[log.transaction_hash] = ordinal + 1
            user, token = word_address(log.topics[1]), word_address(log.topics[2])
            given, got, _ = words(log.data, 3)
            contracts, usdc = (got, given) if kind is EventKind.BOUGHT else (given, got)
            yield Seen(kind, user, log.address, token, contracts, usdc, ordinal, log)

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


class _Move(NamedTuple):
    """What a transfer brought an account, or took from it (below nothing)."""

    contracts: int
    log: Log


class Transfer(NamedTuple):
    """Tokens, or one piece of a collection, that changed hands. value: base units, or the piece's number."""

    token: Address
    sender: Address
    receiver: Address
    value: int
    log: Log


def transfers_of(logs: Iterable[Log]) -> Iterator[Transfer]:
    """Read the transfers of ERC-20 tokens (the value in the data) and ERC-721 pieces (in a fourth topic)."""
    for log in logs:
        topics, data = log.topics, log.data
        if not topics or topics[0] != TRANSFER:
            continue
        if len(topics) == 3 and len(data) == WORD:
            value = int.from_bytes(data)
        elif len(topics) == 4 and not data:
            value = int(topics[3], 16)
        else:
            continue
        yield Transfer(log.address, word_address(topics[1]), word_address(topics[2]), value, log)


def _read_moves(account: Address, logs: Sequence[Log]) -> Iterator[_Move]:
    for one in transfers_of(logs):
        if account in (one.sender, one.receiver) and len(one.log.topics) == 3:
            yield _Move(one.value * ((one.receiver == account) - (one.sender == account)), one.log)


def _read_redemptions(account: Address, logs: Sequence[Log]) -> Iterable[Seen]:
    word, counts = address_word(account), dict[Hash, int]()
    for log in logs:
        if log.topics == (REDEEMED, word) and len(log.data) == 2 * WORD:
            ordinal = counts.get(log.transaction_hash, 0)
            counts[log.transaction_hash] = ordinal + 1
            contracts, payout = words(log.data, 2)
            yield Seen(EventKind.REDEEMED, account, log.address, log.address, contracts, payout, ordinal, log)


def _unexplained(account: Address, explained: Sequence[Seen], moves: Sequence[_Move]) -> Iterable[Seen]:
    """Say what remains of the movements of each token in each transaction."""
    rest: dict[tuple[Hash, Address], int] = {}
    last: dict[tuple[Hash, Address], Log] = {}
    for contracts, log in moves:
        key = (log.transaction_hash, log.address)
        rest[key] = rest.get(key, 0) + contracts
        last[key] = log
    for one in explained:
        key = (one.log.transaction_hash, one.token)
        if key in rest:
            rest[key] -= one.contracts if one.kind is EventKind.BOUGHT else -one.contracts
    counts: dict[tuple[Hash, EventKind], int] = {}
    for (transaction, token), contracts in rest.items():
        if contracts:
            kind = EventKind.RECEIVED if contracts > 0 else EventKind.SENT
            ordinal = counts.get((transaction, kind), 0)
            counts[transaction, kind] = ordinal + 1
            yield Seen(kind, account, token, token, abs(contracts), 0, ordinal, last[transaction, token])
