"""Every way in which bethna says no: one class per reaction, with a code, an exit code and a hint.

BethnaError                     1  our bug
├── UsageError                  2  wrong usage
├── TradeRefused                3  refused by a check, or by the person
│   ├── InsufficientLiquidity · GasTooHigh · ContractPaused · SlippageTooHigh
│   ├── QuoteExpired · NothingSuitable · TransactionRejected · PlanRefused
│   ├── TradeKnown · TradingHalted · WatcherReplaced
│   └── ContractRefused             and, where callers react differently:
│       SlippageExceeded · TradingPaused · DeadlinePassed · QuoteUnavailable · NonceAlreadyUsed · NotEnoughTokens ·
│       LimitReached · CallerNotAllowed
├── ConfigurationError          4  configuration, wallet or password
│   ├── ModelCorrupt · DataRefused · InSample · WrongChain · ContractMismatch
│   └── WrongPassword · KeystoreRefused
├── OutsideError                5  something outside is down or stale
│   ├── SourceUnavailable
│   │   ├── SourceDisabled · SourceRateLimited · SourceMalformed · SourceStale · NodeBehind
│   │   └── ChannelDown · MessageRefused
│   ├── EndpointsDisagree · OutcomeUnknown · ChainAnomaly
│   └── NotEnoughData
└── NotFound                    6  not found
    └── UnknownAsset
"""

from collections.abc import Mapping, Sequence


class BethnaError(Exception):
    """Anything bethna reports as an error. `code` is stable for scripts; `hint` is a command to type next."""

    code = "internal"
    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BethnaError):
    """The command was given something it cannot take."""

    code = "usage"
    exit_code = 2


class TradeRefused(BethnaError):
    """A check or the person said no. Nothing was sent."""

    code = "refused"
    exit_code = 3


class InsufficientLiquidity(TradeRefused):
    """The venue offers less than the trade needs."""

    code = "insufficient_liquidity"


class GasTooHigh(TradeRefused):
    """The network asks more for gas than the person's limit."""

    code = "gas_too_high"


class ContractPaused(TradeRefused):
    """The contract's owner or guardian has paused it."""

    code = "contract_paused"


class SlippageTooHigh(TradeRefused):
    """The price moved past the bound that was agreed."""

    code = "slippage_too_high"


class QuoteExpired(TradeRefused):
    """The signed quote ran out before it could be used."""

    code = "quote_expired"


class NothingSuitable(TradeRefused):
    """Nothing on offer fits what was asked for."""

    code = "nothing_suitable"


class TransactionRejected(TradeRefused):
    """A node refused a signed transaction. A copy that was sent before may still be mined."""

    code = "transaction_rejected"


class PlanRefused(TradeRefused):
    """The signer was asked for something that it does not sign. No key was used."""

    code = "plan_refused"


class TradeKnown(TradeRefused):
    """The journal has this trade already, or somebody else has changed its entry meanwhile."""

    code = "trade_known"


class TradingHalted(TradeRefused):
    """An anomaly has halted trading; a person must look first."""

    code = "halted"


class WatcherReplaced(TradeRefused):
    """Another watcher has started meanwhile; this one writes and sends nothing any more."""

    code = "watcher_replaced"


class ContractRefused(TradeRefused):
    """A contract reverted. `name` is its error as the contract calls it, `arguments` the values it carried."""

    code = "contract_refused"

    def __init__(self, name: str, arguments: Mapping[str, object] | None = None, *, hint: str | None = None) -> None:
        self.name = name
        self.arguments = dict(arguments or {})
        shown = ", ".join(f"{key}={value}" for key, value in self.arguments.items())
        super().__init__(f"The contract refused: {name}({shown}).", hint=hint)


class SlippageExceeded(ContractRefused, SlippageTooHigh):
    """The venue would deliver less than the agreed minimum. Both in base units of what is received."""

    code = "slippage_too_high"

    @property
    def minimum(self) -> int:
        return _integer(self.arguments["minOut"])

    @property
    def got(self) -> int:
        return _integer(self.arguments["got"])


class TradingPaused(ContractRefused, ContractPaused):
    """The contract is paused for this kind of trade."""

    code = "contract_paused"


class DeadlinePassed(ContractRefused, QuoteExpired):
    """The intent, the quote, the permit or the option has run out on chain."""

    code = "quote_expired"


class QuoteUnavailable(ContractRefused, InsufficientLiquidity):
    """The maker's quote is used up, cancelled or not to be filled any more; another one may do."""

    code = "insufficient_liquidity"


class NonceAlreadyUsed(ContractRefused):
    """The intent was executed or cancelled before; look for its event instead of trying again."""

    code = "nonce_used"


class NotEnoughTokens(ContractRefused):
    """Balance or allowance is smaller than the trade needs."""

    code = "not_enough_tokens"


class LimitReached(ContractRefused):
    """The person's own session limits do not allow it."""

    code = "limit_reached"


class CallerNotAllowed(ContractRefused):
    """The account that calls has no right to."""

    code = "caller_not_allowed"


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("not a number from the chain")
    return value


class ConfigurationError(BethnaError):
    """Settings, files, wallet or password are not usable as they are."""

    code = "configuration"
    exit_code = 4


class ModelCorrupt(ConfigurationError):
    """The model file is damaged, altered, or made for other features; it predicts nothing."""

    code = "model_corrupt"


class DataRefused(ConfigurationError):
    """A history file is not what its format says: unsorted, contradictory, not finite, without a time zone."""

    code = "data_refused"


class InSample(ConfigurationError):
    """A model would be judged on the days it learned from, and nobody said that this is meant."""

    code = "in_sample"


class WrongChain(ConfigurationError):
    """An RPC endpoint serves another chain than the network that is set. Nothing is signed for it."""

    code = "wrong_chain"

    def __init__(self, source: str, expected: int, found: int) -> None:
        super().__init__(f"{source} serves chain {found}, not {expected}.", hint="bethna config set rpc_url")
        self.expected = expected
        self.found = found


class ContractMismatch(ConfigurationError):
    """At a pinned or given address lives no contract, or another one than it should be."""

    code = "contract_mismatch"


class WrongPassword(ConfigurationError):
    """The password does not open the wallet, or it is too early to try again."""

    code = "wrong_password"


class KeystoreRefused(ConfigurationError):
    """A wallet's file was changed, is open to others, or is encrypted in a way that is not safe."""

    code = "keystore_refused"


class OutsideError(BethnaError):
    """Something outside is down, stale or wrong."""

    code = "outside"
    exit_code = 5


class SourceUnavailable(OutsideError):
    """A data source did not answer in time, or answered with an error."""

    code = "source_unavailable"

    def __init__(self, source: str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{source}: {reason}", hint=hint or "bethna doctor")
        self.source = source
        self.reason = reason


class SourceDisabled(SourceUnavailable):
    """The source needs a key or an entitlement that is not there."""

    code = "source_disabled"


class SourceRateLimited(SourceUnavailable):
    """The source asks us to wait."""

    code = "source_rate_limited"

    def __init__(self, source: str, retry_after_s: float | None) -> None:
        wait = "" if retry_after_s is None else f"; it asks for {retry_after_s:.0f} s"
        super().__init__(source, f"too many requests{wait}")
        self.retry_after_s = retry_after_s


class SourceMalformed(SourceUnavailable):
    """The source answered with something that is not what it documents."""

    code = "source_malformed"


class SourceStale(SourceUnavailable):
    """The source answered with data older than its limit."""

    code = "source_stale"

    def __init__(self, source: str, age_s: float, limit_s: float) -> None:
        super().__init__(source, f"the data is {_long(age_s)} old; the limit is {_long(limit_s)}")
        self.age_s = age_s
        self.limit_s = limit_s


def _long(seconds: float) -> str:
    """Write a time span in the largest unit of which it is at least two."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds > 2 * size:
            return f"{seconds / size:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"


class NodeBehind(SourceUnavailable):
    """An RPC node lags: it lacks a block, went back in height, or its answers contradict each other."""

    code = "node_behind"


class ChannelDown(SourceUnavailable):
    """A channel for alerts does not work now: unreachable, not logged in, or asked to wait. It is tried again."""

    code = "channel_down"


class MessageRefused(SourceUnavailable):
    """A channel for alerts works, and will not take this message."""

    code = "message_refused"


class EndpointsDisagree(OutsideError):
    """Two RPC endpoints tell different stories about the same block or transaction; neither is believed."""

    code = "endpoints_disagree"


class OutcomeUnknown(OutsideError):
    """A transaction may or may not have been accepted. It is neither sent nor failed until the chain says which."""

    code = "outcome_unknown"

    def __init__(self, transaction_hash: str, reason: str) -> None:
        super().__init__(f"Transaction {transaction_hash}: {reason}; it may be on its way.", hint=None)
        self.transaction_hash = transaction_hash
        self.reason = reason


class ChainAnomaly(OutsideError):
    """The chain shows what cannot be: an outcome without its event, or amounts that nobody signed. Trading halts."""

    code = "chain_anomaly"


class NotEnoughData(OutsideError):
    """There is too little history for an answer; a guess would be worse than none."""

    code = "not_enough_data"


class NotFound(BethnaError):
    """What was named does not exist here."""

    code = "not_found"
    exit_code = 6


class UnknownAsset(NotFound):
    """bethna has no market for this asset."""

    code = "unknown_asset"

    def __init__(self, name: str, known: Sequence[str], suggestion: str | None) -> None:
        text = f"No market for {name!r}; there are {', '.join(known)}."
        super().__init__(text, hint=f"bethna recommend {suggestion or known[0]}")
