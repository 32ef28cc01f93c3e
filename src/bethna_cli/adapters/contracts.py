"""SentientTrader through the chain port: what stands there, and the transactions that create and steer it.

Everything of one answer is read at one block, so no reorganisation and no transaction falls between two figures. It
judges nothing: `flow.deploy` says what a state should be.
"""

from collections.abc import Sequence
from typing import Any

from bethna_cli.adapters.abi import Function, artifact, code_hash
from bethna_cli.domain.chain import (
    Account,
    Address,
    BlockAt,
    Call,
    ContractState,
    DeploymentTerms,
    Hash,
    Listing,
    RouterState,
    SigningDomain,
    Tag,
    UnsignedTransaction,
)
from bethna_cli.domain.errors import ContractMismatch, ContractRefused
from bethna_cli.domain.text import clean
from bethna_cli.ports import Chain

_READS = ("eip712Domain", "owner", "pendingOwner", "guardian", "usdc", "defaultRouter", "paused", "exitsPaused")
_LONGEST_NAME = 40


class SentientTraders:
    """`TraderContracts` on one chain."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._trader = artifact("SentientTrader")

    async def state(self, address: Address, routers: Sequence[Address] = ()) -> ContractState:
        block = await self._chain.block()
        (account,) = await self._chain.accounts([address], block.hash)
        if not account.code:
            raise ContractMismatch(f"No contract lives at {address} on chain {self._chain.chain_id}.")
        asked = [(address, self._trader.function(name), ()) for name in _READS]
        domain, *values = await self._read(asked, block.hash)
        owner, pending_owner, guardian, usdc, default_router, is_paused, are_exits_paused = (one[0] for one in values)
        listed = list(dict.fromkeys([default_router, *routers]))
        balance, *records = await self._read(
            [
                (usdc, artifact("DevelopmentUSDC").function("balanceOf"), (address,)),
                *((address, self._trader.function("routerRecord"), (router,)) for router in listed),
            ],
            block.hash,
        )
        living = await self._chain.accounts(listed, block.hash)
        return ContractState(
            address=address,
            block=block,
            code_hash=code_hash(account.code),
            is_release=self._trader.is_code(account.code),
            domain=SigningDomain(
                clean(domain[1], _LONGEST_NAME), clean(domain[2], _LONGEST_NAME), domain[3], domain[4]
            ),
            owner=owner,
            pending_owner=pending_owner,
            guardian=guardian,
            usdc=usdc,
            default_router=default_router,
            routers=tuple(_router(*pair) for pair in zip(living, records, strict=True)),
            is_paused=is_paused,
            are_exits_paused=are_exits_paused,
            balance_usdc=balance[0],
            balance_wei=account.balance_wei,
        )

    async def deployment(self, terms: DeploymentTerms, sender: Address) -> UnsignedTransaction:
        data = self._trader.creation(terms.usdc, list(terms.routers), terms.owner, terms.guardian)
        return await self._transaction(Call(None, data, sender))

    async def switch(self, address: Address, sender: Address, *, paused: bool) -> UnsignedTransaction:
        function = self._trader.function("pause" if paused else "unpause")
        return await self._transaction(Call(address, function.encode(), sender))

    async def _transaction(self, call: Call) -> UnsignedTransaction:
        """Put a price on a call. Raises ContractRefused when it would revert."""
        if call.sender is None:
            raise ValueError("a transaction has a sender")
        gas = await self._chain.estimate_gas(call)
        return UnsignedTransaction(
            chain_id=self._chain.chain_id,
            sender=call.sender,
            nonce=await self._chain.nonce(call.sender, Tag.PENDING),
            to=call.to,
            data=call.data,
            value_wei=call.value_wei,
            gas=gas + gas // 4,  # what other people do before it is mined may cost it more
            fees=await self._chain.fees(),
        )

    async def _read(
        self, asked: Sequence[tuple[Address, Function, tuple[object, ...]]], at: BlockAt
    ) -> list[tuple[Any, ...]]:
        """Call view functions in one batch. Raises ContractMismatch when one of them is not there."""
        calls = [Call(address, function.encode(*arguments)) for address, function, arguments in asked]
        values: list[tuple[Any, ...]] = []
        for (address, function, _), output in zip(asked, await self._chain.call_many(calls, at), strict=True):
            if isinstance(output, ContractRefused):
                raise ContractMismatch(f"The contract at {address} has no {function.name}().") from output
            values.append(function.decode(output))
        return values


def _domain(values: tuple[Any, ...]) -> SigningDomain:
    _, name, version, chain_id, verifying_contract, *_ = values
    return SigningDomain(clean(name, _LONGEST_NAME), clean(version, _LONGEST_NAME), chain_id, verifying_contract)


def _router(account: Account, record: tuple[Any, ...]) -> RouterState:
    ((listing, listed_code_hash, _, _),) = record
    return RouterState(
        address=account.address,
        listing=Listing(listing),
        listed_code_hash=Hash("0x" + listed_code_hash.hex()),
        code_hash=code_hash(account.code),
    )
