"""The embedded world as a service: how it is found, started and kept."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.domain.embedded import EMBEDDED_BOOK, EMBEDDED_VENUE
from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.domain.market import Asset
from bethna_cli.domain.venue import VenueAddresses
from bethna_cli.settings import Settings
from bethna_cli.settings_files import make_private

if TYPE_CHECKING:
    from bethna_cli.adapters.sim.clock import SimClock
    from bethna_cli.adapters.sim.control import SimControl


EMBEDDED_VENUES = {"token": EMBEDDED_VENUE, "book": EMBEDDED_BOOK}
"""The embedded venues by the setting that names them."""


def sim_control(settings: Settings) -> "SimControl":
    """Return the hand on the embedded world that this person's processes share."""
    from bethna_cli.adapters.sim.control import SimControl

    return SimControl(settings.folders.data / "sim")


def serve_sim(settings: Settings, port: int, announce: Callable[[str], None]) -> None:
    """Serve the embedded world until it is told to stop; `announce` is told its URL.

    A kept world goes on from its own time. Raises ConfigurationError when another world is kept than is asked for.
    """
    from bethna_cli.adapters.sim.control import WorldChoice
    from bethna_cli.adapters.sim.exchange import CHAIN_FILE, Exchange
    from bethna_cli.adapters.sim.replay import ReplayWorld
    from bethna_cli.adapters.sim.server import serve

    control = sim_control(settings)
    folder = make_private(control.state_folder)
    if settings.replay:
        at = replay_moment(settings.at)
        replayed = ReplayWorld.open(settings.replay, Asset.ETH, at, beside=tuple(Asset))
        control.keep(WorldChoice(settings.seed, str(settings.replay), replayed.now().isoformat()))
        serve(replayed, state_folder=folder, port=port, on_ready=lambda info: announce(info.url))
        return
    clock = _kept_or_new_clock(settings, control)
    venue = _kept_or_new_venue(settings, control)
    control.keep(WorldChoice(settings.seed, venue=venue), clock)
    exchange = Exchange.open(folder / CHAIN_FILE, settings.seed, clock.now, EMBEDDED_VENUES[venue])
    try:
        serve(
            exchange.world,
            state_folder=folder,
            port=port,
            clock=clock,
            chain=exchange.served(),
            on_ready=lambda info: announce(info.url),
        )
    finally:
        exchange.close()


def _kept_or_new_clock(settings: Settings, control: "SimControl") -> "SimClock":
    from bethna_cli.adapters.sim.clock import SimClock

    kept, choice = control.clock(), control.choice()
    if kept is None or choice is None:
        return SimClock(settings.at or SystemClock().now(), settings.speed)
    if choice.seed != settings.seed:
        raise ConfigurationError(
            f"The kept world has seed {choice.seed}, not {settings.seed}.", hint="bethna sim reset"
        )
    if settings.at is not None and settings.at < kept.now():
        raise ConfigurationError("The kept world's clock is past that moment.", hint="bethna sim reset")
    return SimClock(settings.at or kept.now(), settings.speed)


def _kept_or_new_venue(settings: Settings, control: "SimControl") -> str:
    """Go on with the venue of the kept world. Raises ConfigurationError when another one is asked for."""
    choice = control.choice()
    if choice is None:
        return settings.venue
    if settings.origin("venue") == "flag" and settings.venue != choice.venue:
        raise ConfigurationError(
            f"The kept world quotes for the {choice.venue} venue, not for {settings.venue}.", hint="bethna sim reset"
        )
    return choice.venue


def served_venue(settings: Settings) -> VenueAddresses:
    """Return whose orders the kept world signs."""
    choice = sim_control(settings).choice()
    return EMBEDDED_VENUES[choice.venue if choice else settings.venue]


def replay_moment(at: datetime | None) -> datetime:
    """Return the moment of a replay. Raises ConfigurationError when none was given."""
    if at is None:
        raise ConfigurationError("A replay needs a moment.", hint="add --at 2026-05-05T15:30Z")
    return at
