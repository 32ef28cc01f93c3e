"""The signer's side of the door: one plan in, a password, the venue's quotes, the signatures out, and the end.

Steps are signed in the plan's order, each once, when the quotes for them arrive: a quote lives about a minute, and the
parts of a large order are minutes apart. It runs in a process of its own, so that no key outlives a plan. Keys and
passwords are never written to the pipe, and of an error only its own words are.
"""

import os
import resource
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

from bethna_cli.adapters import signer_wire as wire
from bethna_cli.adapters.signer_rules import require_allowed, require_covered
from bethna_cli.adapters.signer_sign import signed_plan
from bethna_cli.domain.embedded import is_throwaway, require_own_key
from bethna_cli.domain.errors import BethnaError, PlanRefused, WrongPassword
from bethna_cli.domain.policy import SignedPolicy
from bethna_cli.domain.signing import Pins, Plan
from bethna_cli.domain.wallet import LONGEST_PASSWORD, THROWAWAY, Password, PrivateKey
from bethna_cli.ports import Clock, KeyStore

KEY_LIFE_S = 1_200
"""Longer than the last part of a large order takes."""

AskPassword = Callable[[str], Password]
"""Asks for a password with the given words."""


@dataclass(frozen=True, slots=True)
class Door:
    """What one signing process works with. pins: by chain id; throwaway: gives the embedded world's public key.

    on_open: called once a key is open. is_policy: says whether a policy is what its account signed, None where a person
    is asked; else the plan has to be covered by the policy that comes before it.
    """

    pins: Mapping[int, Pins]
    keys: KeyStore
    ask: AskPassword
    throwaway: Callable[[], PrivateKey]
    clock: Clock
    on_open: Callable[[], object] = lambda: None
    is_policy: Callable[[SignedPolicy], bool] | None = None


def leave_no_core() -> None:
    """Forbid this process a core dump: it would hold the key."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_in_time() -> None:
    """Have this process killed once no plan can need its key any more, whatever it waits for then."""
    signal.alarm(KEY_LIFE_S)


def serve_one_plan(inward: IO[bytes], outward: IO[bytes], door: Door) -> None:
    """Answer one plan with its signatures, or with the error that says why not. Returns when the caller is gone."""
    try:
        ahead = None if door.is_policy is None else _read_policy(inward, door.is_policy)
        line = wire.receive(inward)
        if line is None:
            return
        plan = wire.read_plan(line)
        pins = door.pins.get(plan.chain_id)
        if pins is None:
            raise PlanRefused(f"No contract is confirmed on chain {plan.chain_id}.", hint="bethna contract verify")
        require_allowed(plan, pins, int(door.clock.now().timestamp()))
        if ahead is not None:
            require_covered(plan, ahead)
        key = _key(plan, door)
        door.on_open()
        wire.send(outward, {"ready": True})
        left = plan.steps
        while line := wire.receive(inward):
            steps, routes = wire.read_order(line)
            if steps > len(left):
                raise PlanRefused(f"The plan has {len(left)} steps left, not {steps}.")
            signed = signed_plan(plan, pins, key, routes, left[:steps])
            wire.send(outward, wire.signed_document(signed))
            left = left[steps:]
            if not left:
                return
    except BethnaError as error:
        wire.send(outward, wire.failure_document(error))


def _read_policy(inward: IO[bytes], is_policy: Callable[[SignedPolicy], bool]) -> SignedPolicy:
    """Read what a person agreed to ahead of time. Raises PlanRefused unless it is there and they signed it."""
    line = wire.receive(inward)
    if line is None:
        raise PlanRefused("Without a person or their policy nothing is signed.", hint="bethna policy set")
    signed = wire.read_policy(line)
    if not is_policy(signed):
        raise PlanRefused("The policy is not what its account signed.", hint="bethna policy set")
    return signed


def _key(plan: Plan, door: Door) -> PrivateKey:
    """Get the key that signs: everybody's on the embedded chain, else the person's own with their password."""
    require_own_key(plan.user, plan.chain_id)
    if is_throwaway(plan.user):
        if plan.user != THROWAWAY.address:
            raise PlanRefused(f"{plan.user} is an account of the embedded world's own, not a wallet.")
        return door.throwaway()
    door.keys.require_openable(plan.user)
    name = door.keys.of(plan.user).name
    words = f"Password of {name} ({plan.user}), plan {code_of(plan)} on chain {plan.chain_id}: "
    return door.keys.unlock(plan.user, door.ask(words))


def code_of(plan: Plan) -> str:
    """Return four characters that tell a plan from another, for a person to compare."""
    return sha256(wire.canonical(wire.plan_document(plan))).hexdigest()[:4]


def ask_at_terminal(words: str) -> Password:
    """Ask at the controlling terminal, without echo. Raises PlanRefused where there is none; a pipe is no person."""
    from getpass import getpass

    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise PlanRefused("A password is typed at a terminal, and there is none.", hint="use a terminal") from None
    return Password(getpass(words))


def ask_pipe(handle: int) -> AskPassword:
    """Return a way to ask that reads one line from an inherited pipe."""

    def ask(_: str) -> Password:
        with os.fdopen(handle, "rb") as pipe:
            line = pipe.readline(4 * LONGEST_PASSWORD + 2)
        try:
            return Password(line.decode().removesuffix("\n"))
        except UnicodeDecodeError:
            pass
        raise WrongPassword("The password is not UTF-8.", hint="bethna wallet list")

    return ask
