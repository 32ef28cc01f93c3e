"""A person's own SentientTrader: is what stands there what this release deploys, and can it be believed?

Signing is someone else's decision: a transaction is prepared here, and sent only when a signer for it was given.
"""

import asyncio
from dataclasses import dataclass

from bethna_cli.domain.chain import (
    NO_ADDRESS,
    Address,
    ContractPin,
    ContractState,
    DeploymentTerms,
    Hash,
    Listing,
    Receipt,
    UnsignedTransaction,
)
from bethna_cli.domain.errors import ContractRefused, OutcomeUnknown
from bethna_cli.ports import Chain, TraderContracts, TransactionSigner

DOMAIN = ("SentientTrader", "1")
VENUE_DOMAIN = ("OptionBook", "1.0")
RECEIPT_LOOKS = 60
LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was compared: what it should be, what it is, and whether that will do."""

    what: str
    expected: str
    found: str
    is_ok: bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a person expects of a contract. Each of usdc, owner and pin is None where nothing is known beforehand."""

    chain_id: int
    usdc: Address | None = None
    owner: Address | None = None
    pin: ContractPin | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that was mined. `contract` is what it created."""

    transaction: Hash
    block_number: int
    gas_used: int
    contract: Address | None


def findings(state: ContractState, expected: Expectation) -> list[Finding]:
    """Compare a contract with this release and with what the person expects; what may differ is a finding too."""
    return [
        *_code(state, expected.pin),
        *_domain(state, expected.chain_id),
        *_roles(state, expected.owner),
        *_routers(state),
        Finding("usdc", expected.usdc or "any", state.usdc, expected.usdc in (None, state.usdc)),
        Finding("USDC it holds", "0", str(state.balance_usdc), state.balance_usdc == 0),
        Finding("wei it holds", "0", str(state.balance_wei), state.balance_wei == 0),
        Finding("buys paused", "no", _yes(state.is_paused), not state.is_paused),
        Finding("exits paused", "no", _yes(state.are_exits_paused), not state.are_exits_paused),
    ]


def venue_findings(state: ContractState, chain_id: int, pin: ContractPin | None) -> list[Finding]:
    """Compare what fills makers' orders with the orders' signing domain, and with what was confirmed before.

    Its code may be anybody's: Thetanuts' own book is not of this release.
    """
    found = _domain(state, chain_id, VENUE_DOMAIN)
    if pin is not None:
        found.append(Finding("address", pin.address, state.address, pin.address == state.address))
        found.append(Finding("code hash", pin.code_hash, state.code_hash, pin.code_hash == state.code_hash))
    return found


def _code(state: ContractState, pin: ContractPin | None) -> list[Finding]:
    release = Finding("code", "this release", "this release" if state.is_release else "other code", state.is_release)
    if pin is None or pin.address != state.address:
        return [release]
    return [release, Finding("code hash", pin.code_hash, state.code_hash, pin.code_hash == state.code_hash)]


def _domain(state: ContractState, chain_id: int, expected: tuple[str, str] = DOMAIN) -> list[Finding]:
    found = state.domain
    return [
        Finding(
            "signing domain",
            " ".join(expected),
            f"{found.name} {found.version}",
            (found.name, found.version) == expected,
        ),
        Finding("signing chain", str(chain_id), str(found.chain_id), found.chain_id == chain_id),
        Finding("signing contract", state.address, found.verifying_contract, found.verifying_contract == state.address),
    ]


def _roles(state: ContractState, owner: Address | None) -> list[Finding]:
    wanted = owner or "an account"
    is_apart = state.guardian == NO_ADDRESS or state.guardian != state.owner
    return [
        Finding("owner", wanted, state.owner, state.owner != NO_ADDRESS and owner in (None, state.owner)),
        Finding("next owner", "none", _or_none(state.pending_owner), state.pending_owner == NO_ADDRESS),
        Finding("guardian", "none, or not the owner", _or_none(state.guardian), is_apart),
    ]


def _routers(state: ContractState) -> list[Finding]:
    if state.default_router == NO_ADDRESS:
        return [Finding("default router", "an active router", "none", False)]
    compared = []
    for router in state.routers:
        name = "default router" if router.address == state.default_router else "router"
        is_active = router.listing is Listing.ACTIVE
        compared += [
            Finding(name, "active", f"{router.address} {router.listing.name.lower()}", is_active),
            Finding(
                f"{name} code",
                router.listed_code_hash,
                router.code_hash,
                router.listed_code_hash == router.code_hash,
            ),
        ]
    return compared


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _or_none(address: Address) -> str:
    return "none" if address == NO_ADDRESS else address


async def prepare_deployment(
    chain: Chain, contracts: TraderContracts, terms: DeploymentTerms, sender: Address
) -> UnsignedTransaction:
    """Check the endpoints, then prepare the creation of a contract. Raises what Chain and TraderContracts raise."""
    await chain.check()
    return await contracts.deployment(terms, sender)


async def prepare_switch(
    chain: Chain, contracts: TraderContracts, address: Address, sender: Address, *, paused: bool
) -> UnsignedTransaction:
    """Check the endpoints, then prepare a pause or an unpause."""
    await chain.check()
    return await contracts.switch(address, sender, paused=paused)


async def send(chain: Chain, signer: TransactionSigner, transaction: UnsignedTransaction) -> Sent:
    """Sign, send once and wait until it is mined.

    Raises OutcomeUnknown when it is not mined in time or an answer was lost, ContractRefused when it reverted.
    """
    sent = await chain.send_raw(signer.sign(transaction))
    receipt = await _mined(chain, sent)
    if not receipt.succeeded:
        raise ContractRefused("Reverted", {"transaction": sent})
    return Sent(sent, receipt.block_number, receipt.gas_used, receipt.contract_address)


async def _mined(chain: Chain, transaction: Hash) -> Receipt:
    for _ in range(RECEIPT_LOOKS):
        receipt = await chain.receipt(transaction)
        if receipt is not None:
            return receipt
        await asyncio.sleep(LOOK_EVERY_S)
    raise OutcomeUnknown(transaction, f"it is not mined after {RECEIPT_LOOKS * LOOK_EVERY_S:.0f} s")
