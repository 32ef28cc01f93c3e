"""Typed configuration: what may be set, where each value came from, and which files may hold a secret.

Precedence: flag, environment (`BETHNA_<KEY>`), `config.toml` (secrets: `secrets.toml`, then the keyring), default. An
unknown or repeated key, a value out of bounds, and a secret that others on this machine can read stop bethna before it
starts. Nothing is read at import time, and a secret is never taken from an argument.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from bethna_cli.domain.errors import BethnaError, ConfigurationError, UsageError
from bethna_cli.domain.units import Usdc, usdc_from_decimal
from bethna_cli.settings_files import keyring_values, read_values, unknown_key
from bethna_cli.settings_types import (
    Account,
    Amount,
    Days,
    ExistingFolder,
    Finite,
    Host,
    Hours,
    Line,
    Mailbox,
    Mailboxes,
    ModelName,
    Moment,
    Pin,
    RpcUrls,
    Secret,
    SecretLine,
    Url,
)

ENV_PREFIX = "BETHNA_"
NOT_SETTINGS = frozenset({"BETHNA_HOME", "BETHNA_DEBUG", "BETHNA_DATA"})
"""Variables with our prefix that are not settings: the folders, tracebacks, and the tests' market data."""

MARKET_PATHS = {"pyth": "/hermes", "dydx": "/dydx", "thetanuts": "/thetanuts", "x": "/x", "fng": "/fng"}
"""Where each source lives below `market_url`."""

FLAGS = {"budget_usdc": "--budget", "target_delta": "--delta"}
"""Flags that are not spelled like their setting."""

LONGEST_ECHO = 60
LONGEST_KEPT_ECHO = 16


@dataclass(frozen=True, slots=True)
class Folders:
    """Where bethna keeps things; made with mode 0700 when first written to."""

    config: Path
    data: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def secrets_file(self) -> Path:
        return self.config / "secrets.toml"


class Settings(BaseModel):
    """Every setting, typed and bounded. `origin(key)` says where a value came from; secrets print as stars."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    network: Literal["sim", "base", "base-sepolia"] = Field("sim", description="which world to talk to")
    market_url: Url | None = Field(None, description="one base URL for all sources (bethna sim up prints one)")
    pyth_url: Url | None = Field(None, description="spot prices (Pyth Hermes)")
    dydx_url: Url | None = Field(None, description="funding and candles (dYdX indexer)")
    thetanuts_url: Url | None = Field(None, description="option quotes (Thetanuts)")
    x_url: Url | None = Field(None, description="posts (X recent search)")
    fng_url: Url | None = Field(None, description="Fear & Greed index (alternative.me)")
    rpc_url: RpcUrls | None = Field(None, description="the chain's JSON-RPC endpoints, up to 4; masked, may carry keys")
    trader_sim: Pin | None = Field(None, description="your confirmed contract there: ADDRESS@CODE_HASH")
    trader_base: Pin | None = Field(None, description="the same on Base; bethna contract verify writes it")
    trader_base_sepolia: Pin | None = Field(None, description="the same on Base Sepolia")
    router_base: Pin | None = Field(None, description="the confirmed venue of your contract on Base")
    router_base_sepolia: Pin | None = Field(None, description="the same on Base Sepolia")
    book_base: Pin | None = Field(None, description="the confirmed order book on Base; bethna contract venue writes it")
    venue: Literal["token", "book"] = Field(
        "token", description="buy tokens through your contract, or fill the order book directly (experimental)"
    )
    watcher_address: Account | None = Field(None, description="the watcher's account, the one your key may fund")
    pyth_api_key: Secret | None = Field(None, description="Pyth key; without one spot comes from dYdX")
    x_bearer_token: Secret | None = Field(None, description="X token; without one the mood is Fear & Greed alone")
    llm_model: ModelName | None = Field(
        None, description="language model for the chat: provider:model; none by default"
    )
    llm_url: Url | None = Field(None, description="where it is served, if not at its provider's own address")
    llm_api_key: Secret | None = Field(None, description="its key; a model on this machine may need none")
    keyring: bool = Field(False, description="look for secrets in the system's keyring too")
    source_timeout_s: Annotated[float, Finite] = Field(4.0, gt=0, le=60, description="patience per source, in seconds")
    spot_max_age_s: Annotated[float, Finite] = Field(10.0, gt=0, le=3600, description="oldest spot price to advise on")
    seed: int = Field(7, ge=0, le=2**32 - 1, description="which embedded world")
    at: Moment | None = Field(None, description="fixes the clock (UTC)")
    replay: ExistingFolder | None = Field(None, description="folder of recorded history")
    speed: Annotated[float, Finite] = Field(1.0, gt=0, le=10_000, description="pace of the embedded world's clock")
    budget_usdc: Amount = Field(Decimal(100), description="most to spend on one recommendation, in USDC")
    expiry: Days = Field(7.0, description="wished time to expiry, like 36h, 7d, 2w")
    target_delta: Annotated[float, Finite] = Field(0.30, ge=0.01, le=0.99, description="wished delta, absolute")
    approve_within_s: Annotated[float, Finite] = Field(
        900.0, gt=0, le=86_400, description="how long a recommendation can be approved, in seconds"
    )
    slippage_bps: int = Field(100, ge=1, le=1000, description="how much less than quoted you accept; 100 is 1 %")
    watch_interval_s: Annotated[float, Finite] = Field(
        60.0, ge=1, le=3_600, description="seconds between two looks at your positions, in the world's time"
    )
    stop_loss_pct: Annotated[float, Finite] = Field(
        50.0, gt=0, le=100, description="loss at which to sell, in per cent"
    )
    take_profit_pct: Annotated[float, Finite] = Field(
        100.0, gt=0, le=10_000, description="gain at which to sell, per cent"
    )
    confirm_exits: Literal["either", "looks", "sources"] = Field(
        "either", description="what confirms a broken limit: two looks 10 s apart, two sources, either"
    )
    exit_slippage_bps: int = Field(200, ge=100, le=300, description="how much less than the live bid an exit takes")
    smtp_host: Host | None = Field(None, description="the mail server that takes alerts; e-mail is on with mail_to")
    smtp_port: int = Field(587, ge=1, le=65_535, description="its port: 587 for starttls, 465 for tls")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how mail is kept private; none only on this machine"
    )
    smtp_user: Line | None = Field(None, description="the login there, where it wants one")
    smtp_password: SecretLine | None = Field(None, description="the password there")
    mail_from: Mailbox | None = Field(None, description="sender of alerts; without one the first of mail_to")
    mail_to: Mailboxes | None = Field(None, description="who gets alerts by e-mail, with spaces between them")
    alert_urls: SecretLine | None = Field(None, description="apprise URLs: Telegram, Discord, Slack, desktop; masked")
    quiet_hours: Hours | None = Field(None, description="when INFO waits, your own time, like 22:00-07:00")
    push_port: int = Field(0, ge=0, le=65_535, description="port of the alerts' WebSocket; 0 takes a free one")
    view_odds: Annotated[float, Finite] = Field(3.0, ge=1, le=100, description="what your view multiplies its odds by")

    _folders: Folders = PrivateAttr()
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def folders(self) -> Folders:
        return self._folders

    @property
    def budget(self) -> Usdc:
        """The budget in USDC base units."""
        return usdc_from_decimal(self.budget_usdc)

    @property
    def expiry_days(self) -> float:
        return self.expiry

    def origin(self, key: str) -> str:
        """Say where the value of `key` came from: a flag, a variable, a file, or `default`."""
        return self._origins.get(key, "default")

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The RPC endpoints in the order they are asked; they may carry keys."""
        return tuple(self.rpc_url.get_secret_value().split()) if self.rpc_url else ()

    @property
    def trader_key(self) -> str:
        """The setting that pins the person's contract on the network in use."""
        return "trader_" + self.network.replace("-", "_")

    @property
    def trader_pin(self) -> tuple[str, str] | None:
        """The address and code hash of the person's contract on the network in use, None before it is confirmed."""
        return _pin(getattr(self, self.trader_key))

    @property
    def venue_key(self) -> str:
        """The setting that pins what trades go through on the network in use, by the venue in use."""
        return ("router_" if self.venue == "token" else "book_") + self.network.replace("-", "_")

    @property
    def venue_pin(self) -> tuple[str, str] | None:
        """The address and code hash of the router or book in use, None before it is confirmed."""
        return _pin(getattr(self, self.venue_key, None))

    @property
    def book_pin(self) -> tuple[str, str] | None:
        """The address and code hash of the order book on the network in use, None before it is confirmed."""
        return _pin(getattr(self, "book_" + self.network.replace("-", "_"), None))

    def source_url(self, source: str) -> str | None:
        """Return the base URL set for `source`, None when none is (the adapter's own, or the embedded market)."""
        own: str | None = getattr(self, f"{source}_url")
        if own is None and self.market_url is not None:
            return self.market_url + MARKET_PATHS[source]
        return own


PIN_KEYS = frozenset(
    {"trader_sim", "trader_base", "trader_base_sepolia", "router_base", "router_base_sepolia", "book_base"}
)
"""Settings that a person confirms at a terminal (`bethna contract verify`, `venue`); nothing else may set them."""

SECRET_KEYS = frozenset({"rpc_url", "pyth_api_key", "x_bearer_token", "llm_api_key", "smtp_password", "alert_urls"})


def _pin(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    address, _, code_hash = text.partition("@")
    return address, code_hash


def folders(env: Mapping[str, str] | None = None) -> Folders:
    """Return bethna's folders: below `BETHNA_HOME` when it is set, else where the system keeps such things."""
    home = (os.environ if env is None else env).get("BETHNA_HOME")
    if home:
        base = Path(home).expanduser().absolute()
        return Folders(config=base, data=base / "data")
    import platformdirs

    return Folders(
        config=platformdirs.user_config_path("bethna", appauthor=False),
        data=platformdirs.user_data_path("bethna", appauthor=False),
    )


def load_settings(
    flags: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    names: Mapping[str, str] = FLAGS,
) -> Settings:
    """Read the settings. `flags` holds what was given on the command line, by setting name; None means not given.

    names: how flags were spelled, where not like their setting.
    Raises UsageError for a flag, ConfigurationError for a variable or a file.
    """
    env = os.environ if env is None else env
    places = folders(env)
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for layer, label in (
        (read_values(places.config_file, frozenset(Settings.model_fields), SECRET_KEYS), places.config_file.name),
        (read_values(places.secrets_file, SECRET_KEYS, SECRET_KEYS), places.secrets_file.name),
        (_env_values(env), "environment"),
        ({key: value for key, value in (flags or {}).items() if value is not None}, "flag"),
    ):
        values |= layer
        origins |= dict.fromkeys(layer, label)
    settings = _validated(values, origins, names)
    if settings.keyring:
        kept = keyring_values(SECRET_KEYS - set(values))
        settings = _validated({**values, **kept}, origins | dict.fromkeys(kept, "keyring"), names)
        origins |= dict.fromkeys(kept, "keyring")
    settings._folders = places
    settings._origins = origins
    return settings


def _env_values(env: Mapping[str, str]) -> dict[str, object]:
    for key in sorted(PIN_KEYS):
        if env.get(variable(key)):
            raise ConfigurationError(
                f"{variable(key)}: a contract is confirmed at a terminal, not by a variable.",
                hint=f"unset {variable(key)}",
            )
    named = {key: env.get(variable(key), "") for key in Settings.model_fields}
    return {key: value for key, value in named.items() if value}


def variable(key: str) -> str:
    """Return the environment variable of a setting."""
    return ENV_PREFIX + key.upper()


def unknown_variables(env: Mapping[str, str]) -> list[str]:
    """List variables that look like ours and set nothing: most likely typing errors."""
    known = NOT_SETTINGS | {variable(key) for key in Settings.model_fields}
    return sorted(name for name in env if name.startswith(ENV_PREFIX) and name not in known)


def _validated(values: Mapping[str, object], origins: Mapping[str, str], names: Mapping[str, str] = FLAGS) -> Settings:
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        raise _refusal(error, values, origins, names) from None


def _shown(key: str, value: str, *, is_typed: bool) -> str:
    """Repeat a wrong value: whatever was just typed, and of what was kept only what is too short for a secret."""
    if key in SECRET_KEYS or (not is_typed and len(value) > LONGEST_KEPT_ECHO):
        return "(hidden)"
    return ascii(value)[:LONGEST_ECHO]


def _refusal(
    error: ValidationError, values: Mapping[str, object], origins: Mapping[str, str], names: Mapping[str, str]
) -> BethnaError:
    first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    key = str(first["loc"][0])
    reason = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input ").partition(", unable to")[0]
    origin = origins[key]
    shown = _shown(key, str(values.get(key)), is_typed=origin in ("flag", "argument"))
    if origin == "flag":
        flag = names.get(key, "--" + key.replace("_", "-"))
        return UsageError(f"{flag} {shown} {reason}.", hint=f"leave out {flag}, or bethna -h")
    if origin == "argument":
        return UsageError(f"{key} {shown} {reason}.", hint="bethna config show")
    if origin == "environment":
        return ConfigurationError(f"{variable(key)} {shown} {reason}.", hint=f"unset {variable(key)}")
    return ConfigurationError(f"{key} in {origin}: {shown} {reason}.", hint=f"bethna config set {key} --unset")


def check_value(key: str, value: str) -> None:
    """Raise UsageError when `value` cannot be the setting `key`, ConfigurationError when there is no such setting.

    A contract's pin cannot be set at all: it is confirmed.
    """
    if key not in Settings.model_fields:
        raise unknown_key(key, frozenset(Settings.model_fields), "config")
    if key in PIN_KEYS:
        raise UsageError(f"{key} is confirmed at a terminal, not set.", hint="bethna contract verify ADDRESS")
    _validated({key: value}, {key: "argument"})
