"""What happened to an account's options at the OptionBook: fills, roles that changed hands, payments at expiry.

An option of the book is a contract of its own with one buyer: the whole of it moves or none. A fill counts only when a
pinned book reported it, what an option says of itself only when one of its fills is known. Decoded for Thetanuts V4 r12
(`OptionBook`, `BaseOption`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bethna_cli.adapters.abi import Function, hash_text, keccak
from bethna_cli.adapters.event_words import Kept, address_word, word_address, words
from bethna_cli.adapters.option_terms import terms_of
from bethna_cli.domain.chain import Address, Call, Hash, Log, LogQuery
from bethna_cli.domain.errors import ContractMismatch, ContractRefused
from bethna_cli.domain.position import ChainEvent, EventKind, OptionTerms
from bethna_cli.domain.venue import VenueAddresses
from bethna_cli.ports import Chain

ORDER_FILLED = hash_text(keccak(b"OrderFilled(uint256,address,address,address,uint256,uint256,address,uint256,bool)"))
ROLE_TRANSFERRED = hash_text(keccak(b"RoleTransferred(address,address,address,bool)"))
OPTION_PAYOUT = hash_text(keccak(b"OptionPayout(address,address,uint256)"))

_COUNT = Function("numContracts", (), ("uint256",))
_TERMS = (
    Function("getImplementation", (), ("address",)),
    Function("chainlinkPriceFeed", (), ("address",)),
    Function("getStrikes", (), ("uint256[]",)),
    Function("expiryTimestamp", (), ("uint256",)),
)


class BookLogs:
    """Reads what books and their options tell of an account."""

    def __init__(self, chain: Chain, books: Sequence[VenueAddresses]) -> None:
        self._chain = chain
        self._books = {one.book: one for one in books}

    def queries(self, account: Address) -> list[LogQuery]:
        """Return which logs to read: none where no book is pinned."""
        if not self._books:
            return []
        word = address_word(account)
        return [
            LogQuery((), ((ORDER_FILLED, ROLE_TRANSFERRED, OPTION_PAYOUT), None, (word,))),
            LogQuery((), ((ROLE_TRANSFERRED,), None, None, (word,))),
        ]

    async def events(
        self, account: Address, kept: Kept, known: Mapping[Address, OptionTerms], taken: Mapping[Hash, int]
    ) -> tuple[list[ChainEvent], dict[Address, OptionTerms]]:
        """Read an account's events, and the terms of options not met before.

        taken: how many trades of each transaction have a number already.
        """
        if not self._books:
            return [], {}
        fills = self._fills(account, kept.logs, taken)
        options = {option: book for option, book, *_ in fills}
        told = [log for log in kept.logs if _names_itself(log) and (log.address in options or log.address in known)]
        if not fills and not told:
            return [], {}
        sizes = await self._sizes({*options, *(log.address for log in told)})
        found = [
            kept.event(log, EventKind.BOUGHT, account, book.book, option, sizes[option], premium, ordinal)
            for option, book, premium, ordinal, log in fills
        ]
        found += _numbered([_told(account, log, sizes[log.address], kept) for log in told])
        terms = {
            option: await self._terms(option, book) for option, book in sorted(options.items()) if option not in known
        }
        return found, terms

    def _fills(
        self, account: Address, logs: Iterable[Log], taken: Mapping[Hash, int]
    ) -> list[tuple[Address, VenueAddresses, int, int, Log]]:
        """Read what an account bought: option, book, premium, which trade in its transaction it was, and the log."""
        word, counts = address_word(account), dict(taken)
        fills = []
        for log in logs:
            book = self._books.get(log.address)
            if book is None or log.topics[:1] != (ORDER_FILLED,) or log.topics[2:3] != (word,):
                continue
            option, premium, *_ = words(log.data, 6)
            ordinal = counts.get(log.transaction_hash, 0)
            counts[log.transaction_hash] = ordinal + 1
            fills.append((Address(f"0x{option:040x}"), book, premium, ordinal, log))
        return fills

    async def _sizes(self, options: set[Address]) -> dict[Address, int]:
        asked = sorted(options)
        answers = await self._chain.call_many([Call(option, _COUNT.encode()) for option in asked])
        return {option: _decoded(option, _COUNT, answer) for option, answer in zip(asked, answers, strict=True)}

    async def _terms(self, option: Address, book: VenueAddresses) -> OptionTerms:
        answers = await self._chain.call_many([Call(option, function.encode()) for function in _TERMS])
        implementation, feed, strikes, expiry_s = (
            _decoded(option, function, answer) for function, answer in zip(_TERMS, answers, strict=True)
        )
        try:
            asset, kind = book.feeds[feed], book.implementations[implementation]
            return terms_of(asset, kind, strikes, expiry_s)
        except (KeyError, ValueError, OverflowError) as error:
            raise ContractMismatch(f"The option {option} states terms that bethna does not know.") from error


def _names_itself(log: Log) -> bool:
    """Say whether an option tells something of itself, and not of another one."""
    is_told = log.topics[:1] in ((ROLE_TRANSFERRED,), (OPTION_PAYOUT,)) and len(log.topics) >= 3
    return is_told and word_address(log.topics[1]) == log.address


def _told(account: Address, log: Log, size: int, kept: Kept) -> ChainEvent | None:
    """Read a buyer's role that came or went, or a payment to the buyer; None for what is somebody else's."""

    def seen(kind: EventKind, usdc: int) -> ChainEvent:
        return kept.event(log, kind, account, log.address, log.address, size, usdc)

    word = address_word(account)
    if log.topics[0] == OPTION_PAYOUT:
        (payout,) = words(log.data, 1)
        return seen(EventKind.REDEEMED, payout) if log.topics[2] == word else None
    (is_buyer,) = words(log.data, 1)
    if not is_buyer or len(log.topics) != 4 or log.topics[2] == log.topics[3]:
        return None
    if log.topics[2] == word:
        return seen(EventKind.SENT, 0)
    return seen(EventKind.RECEIVED, 0) if log.topics[3] == word else None


def _numbered(told: Iterable[ChainEvent | None]) -> list[ChainEvent]:
    """Number what an option tells more than once in a transaction."""
    counts: Counter[tuple[Hash, EventKind, Address]] = Counter()
    numbered = []
    for one in told:
        if one is not None:
            key = (one.transaction, one.kind, one.token)
            numbered.append(one._replace(ordinal=counts[key]))
            counts[key] += 1
    return numbered


def _decoded(option: Address, function: Function, answer: bytes | ContractRefused) -> Any:
    if isinstance(answer, ContractRefused):
        raise ContractMismatch(f"The option {option} does not answer {function.name}().") from answer
    (value,) = function.decode(answer)
    return value
