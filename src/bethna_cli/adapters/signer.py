"""bethna's side of the signer: start the process, hand it one plan, and compare what it gives back.

The intents' digests are computed here a second time, by other code than the signer's, and every signature must recover
to the person's account: what was shown is what was signed.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from bethna_cli.adapters import signer_wire as wire
from bethna_cli.adapters.abi import encode, hash_text, keccak
from bethna_cli.adapters.option_book import fill_digest
from bethna_cli.adapters.signer_sign import (
    INTENT_TYPES,
    POLICY_DOMAIN,
    POLICY_TYPES,
    intent_values,
    policy_values,
)
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import ConfigurationError, PlanRefused
from bethna_cli.domain.policy import SignedPolicy
from bethna_cli.domain.signing import Plan, SignedIntent, SignedPlan, Step
from bethna_cli.domain.trade import TradeIntent
from bethna_cli.domain.wallet import Password

STOP_WITHIN_S = 5.0
_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(slots=True)
class UnlockedPlan:
    """A plan whose key the signer holds open until all of its steps are signed; `done` counts those that are."""

    plan: Plan
    inward: IO[bytes]
    outward: IO[bytes]
    done: int = 0

    def sign(self, routes: Sequence[bytes], steps: int | None = None) -> SignedPlan:
        wanted = self.plan.steps[self.done :][:steps]
        _tell(self.inward, wire.order_document(len(wanted), routes))
        signed = _checked(wire.read_signed(_answer(self.outward)), self.plan, wanted)
        self.done += len(wanted)
        return signed


@dataclass(frozen=True, slots=True)
class AheadOfTime:
    """What stands for a person at a terminal: what they agreed to, signed, and their password."""

    policy: SignedPolicy
    password: Password


class ProcessSigner:
    """`Signer` that starts a process for each plan. ahead: what it is given instead of asking at the terminal."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], ahead: AheadOfTime | None = None
    ) -> None:
        self._command = command
        self._environment = environment
        self._ahead = ahead

    @contextmanager
    def unlocked(self, plan: Plan) -> Iterator[UnlockedPlan]:
        with self._process() as (inward, outward):
            if self._ahead is not None:
                _tell(inward, wire.policy_document(self._ahead.policy))
            _tell(inward, wire.plan_document(plan))
            _answer(outward)
            yield UnlockedPlan(plan, inward, outward)

    @contextmanager
    def _process(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Run the signer while the body does, in this terminal; whatever happens, it is gone afterwards."""
        with _password_pipe(self._ahead) as pipes:
            child = subprocess.Popen(  # noqa: S603 (our own interpreter and our own words)
                [*self._command, *map(str, pipes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=dict(self._environment),
                pass_fds=pipes,
                cwd="/",
            )
        if child.stdin is None or child.stdout is None:
            raise ConfigurationError("The signer has no pipes.")
        try:
            yield child.stdin, child.stdout
        finally:
            with suppress(BrokenPipeError):
                child.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_WITHIN_S)
            child.kill()
            child.wait()
            child.stdout.close()


@contextmanager
def _password_pipe(ahead: AheadOfTime | None) -> Iterator[tuple[int, ...]]:
    """Hold the end of a pipe from which a password can be read; nothing where a person is asked."""
    if ahead is None:
        yield ()
        return
    reading, writing = os.pipe()
    try:
        os.write(writing, ahead.password.text.encode() + b"\n")
        os.close(writing)
        yield (reading,)
    finally:
        os.close(reading)


def _tell(channel: IO[bytes], document: object) -> None:
    try:
        wire.send(channel, document)
    except BrokenPipeError as error:
        raise _gone() from error


def _answer(channel: IO[bytes]) -> bytes:
    line = wire.receive(channel)
    if line is None:
        raise _gone()
    wire.raise_failure(line)
    return line


def _gone() -> ConfigurationError:
    return ConfigurationError("The signer stopped without an answer; nothing was signed.", hint="bethna doctor")


def _checked(signed: SignedPlan, plan: Plan, steps: Sequence[Step]) -> SignedPlan:
    """Return what was signed. Raises PlanRefused unless it is exactly the plan's, signed by its account."""
    answers = zip(plan.intents, signed.intents, strict=False)
    is_plan = (
        len(signed.intents) == len(plan.intents)
        and all(_is_signed(intent, answer, plan) for intent, answer in answers)
        and [[one.nonce for one in variants] for variants in signed.steps]
        == [[step.nonce] * (step.bumps + 1) for step in steps]
        and all(one.hash == hash_text(keccak(one.raw)) for variants in signed.steps for one in variants)
        and (plan.policy is None) == (signed.policy is None)
    )
    if plan.policy is not None and signed.policy is not None:
        policy = SignedPolicy(plan.policy, signed.policy.digest, signed.policy.signature)
        is_plan = is_plan and is_policy_signed(policy)
    if not is_plan:
        raise PlanRefused("The signer gave back something else than the plan; nothing is sent.")
    return signed


def _is_signed(intent: TradeIntent, answer: SignedIntent, plan: Plan) -> bool:
    if plan.fills_book:
        return answer == SignedIntent(fill_digest(intent, plan.chain_id, plan.contract), b"")
    digest = intent_digest(intent, plan.chain_id, plan.contract)
    return answer.digest == hash_text(digest) and recovered(digest, answer.signature) == plan.user


def intent_digest(intent: TradeIntent, chain_id: int, contract: Address) -> bytes:
    """Return the 32 bytes that a person signs for `intent` (EIP-712)."""
    names = (keccak(_DOMAIN_TYPE), keccak(b"SentientTrader"), keccak(b"1"))
    domain = encode(("bytes32", "bytes32", "bytes32", "uint256", "address"), (*names, chain_id, contract))
    kind = f"TradeIntent({','.join(f'{type_} {name}' for name, type_ in INTENT_TYPES.items())})"
    struct = encode(("bytes32", *INTENT_TYPES.values()), (keccak(kind.encode()), *intent_values(intent)))
    return keccak(b"\x19\x01" + keccak(domain) + keccak(struct))


def is_policy_signed(signed: SignedPolicy) -> bool:
    """Say whether a policy is exactly what its account signed."""
    policy = signed.policy
    name, version = (keccak(part.encode()) for part in POLICY_DOMAIN)
    domain = encode(
        ("bytes32", "bytes32", "bytes32", "uint256", "address"),
        (keccak(_DOMAIN_TYPE), name, version, policy.chain_id, policy.contract),
    )
    kind = f"SpendingPolicy({','.join(f'{type_} {name}' for name, type_ in POLICY_TYPES.items())})"
    struct = encode(("bytes32", *POLICY_TYPES.values()), (keccak(kind.encode()), *policy_values(policy)))
    digest = keccak(b"\x19\x01" + keccak(domain) + keccak(struct))
    return signed.digest == hash_text(digest) and recovered(digest, signed.signature) == policy.user


def recovered(digest: bytes, signature: bytes) -> Address | None:
    """Return whose signature this is, None when it is none; v is 27 or 28."""
    from coincurve import PublicKey

    if len(signature) != 65 or signature[64] not in (27, 28):
        return None
    compact = signature[:64] + bytes([signature[64] - 27])
    try:
        public = PublicKey.from_signature_and_message(compact, digest, hasher=None).format(compressed=False)
    except ValueError:
        return None
    return Address("0x" + keccak(public[1:])[12:].hex())
