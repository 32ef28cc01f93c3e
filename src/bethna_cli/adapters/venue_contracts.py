"""What fills makers' orders, as a contract: the token router or the order book, read at one block; judged elsewhere."""

from collections.abc import Sequence

from bethna_cli.adapters.abi import artifact, code_hash
from bethna_cli.domain.chain import NO_ADDRESS, Address, Call, ContractState, SigningDomain
from bethna_cli.domain.errors import ContractMismatch, ContractRefused
from bethna_cli.domain.text import clean
from bethna_cli.ports import Chain

_LONGEST_NAME = 40


class VenueContracts:
    """`ContractStates` of venues, where USDC is at `usdc`; they have neither a pause nor routers of their own.

    released: the name of the contract in this release that such a venue would be.
    """

    def __init__(self, chain: Chain, usdc: Address, released: str) -> None:
        self._chain = chain
        self._usdc = usdc
        self._venue = artifact(released)

    async def state(self, address: Address, routers: Sequence[Address] = ()) -> ContractState:  # noqa: ARG002
        block = await self._chain.block()
        (account,) = await self._chain.accounts([address], block.hash)
        if not account.code:
            raise ContractMismatch(f"No contract lives at {address} on chain {self._chain.chain_id}.")
        domain, balance = self._venue.function("eip712Domain"), artifact("DevelopmentUSDC").function("balanceOf")
        calls = [Call(address, domain.encode()), Call(self._usdc, balance.encode(address))]
        said, held = await self._chain.call_many(calls, block.hash)
        if isinstance(said, ContractRefused) or isinstance(held, ContractRefused):
            raise ContractMismatch(f"The contract at {address} fills no orders.")
        _, name, version, chain_id, verifying_contract, *_ = domain.decode(said)
        return ContractState(
            address=address,
            block=block,
            code_hash=code_hash(account.code),
            is_release=self._venue.is_code(account.code),
            domain=SigningDomain(
                clean(name, _LONGEST_NAME), clean(version, _LONGEST_NAME), chain_id, verifying_contract
            ),
            owner=NO_ADDRESS,
            pending_owner=NO_ADDRESS,
            guardian=NO_ADDRESS,
            usdc=self._usdc,
            default_router=NO_ADDRESS,
            routers=(),
            is_paused=False,
            are_exits_paused=False,
            balance_usdc=balance.decode(held)[0],
            balance_wei=account.balance_wei,
        )
