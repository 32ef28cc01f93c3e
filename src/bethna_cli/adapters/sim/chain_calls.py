"""Calls that leave no trace: their output, and how much gas they need."""

from dataclasses import dataclass, replace

from bethna_cli.adapters.sim.chain_types import Block, Call, CallFailed, CallReverted, ChainRefusal, Outcome
from bethna_cli.adapters.sim.chain_vm import Machine

PLAIN_TRANSFER_GAS = 21_000  # what runs no code needs no search
TOLERANCE = 0.015  # geth's: a closer estimate would cost more runs than it saves gas


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call runs: on the state after `parent`, as if in a block with this number and time."""

    parent: Block
    number: int
    timestamp: int


def call_output(machine: Machine, call: Call, place: Place) -> bytes:
    """Run a call and return its output. Raises CallReverted or CallFailed."""
    return _succeeded(_run(machine, call, place)).output


def estimate_gas(machine: Machine, call: Call, place: Place) -> int:
    """Return gas with which the call succeeds, little above the least. Raises as `call_output` does."""
    outcome = _succeeded(_run(machine, call, place))
    if outcome.gas_used == PLAIN_TRANSFER_GAS:
        return PLAIN_TRANSFER_GAS
    low, high = outcome.gas_used - 1, call.gas
    # 64/63: a call forwards at most 63/64 of its gas; 2300: the stipend of a call with value.
    guess = (outcome.gas_used + outcome.gas_refunded + 2_300) * 64 // 63
    while high - low > 1 and high - low > TOLERANCE * high:
        middle = guess if low < guess < high else min((low + high) // 2, low * 2)
        guess = 0
        if _succeeds(machine, replace(call, gas=middle), place):
            high = middle
        else:
            low = middle
    return high


def _run(machine: Machine, call: Call, place: Place) -> Outcome:
    return machine.call(place.parent, place.number, place.timestamp, call)


def _succeeds(machine: Machine, call: Call, place: Place) -> bool:
    try:
        return _run(machine, call, place).failure is None
    except ChainRefusal:
        return False


def _succeeded(outcome: Outcome) -> Outcome:
    if outcome.failure is None:
        return outcome
    if outcome.failure == "execution reverted":
        raise CallReverted(outcome.failure, outcome.output)
    raise CallFailed(outcome.failure)
