"""Every way in which bethna says no: one class per reaction, with a code, an exit code and a hint.

BethnaError                     1  our bug
├── UsageError                  2  wrong usage
├── TradeRefused                3  refused by a check, or by the person
│   ├── InsufficientLiquidity · GasTooHigh · ContractPaused · SlippageTooHigh
│   └── QuoteExpired · NothingSuitable
├── ConfigurationError          4  configuration, wallet or password
│   └── ModelCorrupt · DataRefused
├── OutsideError                5  something outside is down or stale
│   ├── SourceUnavailable
│   │   ├── SourceDisabled · SourceRateLimited · SourceMalformed · SourceStale
│   └── NotEnoughData
└── NotFound                    6  not found
    └── UnknownAsset
"""

from collections.abc import Sequence


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
        super().__init__(source, f"the data is {age_s:.0f} s old; the limit is {limit_s:.0f} s")
        self.age_s = age_s
        self.limit_s = limit_s


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
