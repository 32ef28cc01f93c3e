"""The market on the screen: one row per source with its age and state, and the board of what can be bought."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.figures import age, moment, share, usd
from bethna_cli.cli.tables import state, table, words
from bethna_cli.domain.market import MarketSnapshot, OptionBoard, Origin
from bethna_cli.domain.options import OptionKind, OptionQuote

FULL_BOARD_WIDTH = 78
LONGEST_SOURCE = 16
NAMES = {"spot": "spot", "options": "options", "funding": "funding", "sentiment": "mood", "history": "history"}


def market_table(snapshot: MarketSnapshot) -> Table:
    """One row per part: value, source, age, state."""
    grid = table("market", "value", "source", "age", "state", right=("age",))
    for part, value in zip(snapshot.parts, _values(snapshot), strict=True):
        source = part.provenance.source if part.provenance else "–"
        grid.add_row(
            Text(NAMES[part.name]), words(value), words(source, limit=LONGEST_SOURCE), age(part.age_s), state(part)
        )
    return grid


def market_notes(snapshot: MarketSnapshot) -> list[Text]:
    """What went wrong or needs saying, one line each."""
    lines = [f"{NAMES[part.name]}: {part.reason}" for part in snapshot.parts if part.reason]
    lines += [f"{NAMES[part.name]}: {note}" for part in snapshot.parts for note in part.notes]
    board = snapshot.options.value
    if board and board.assumed_cap:
        lines.append(f"options: {board.assumed_cap}")
    return [words(f"! {line}", "yellow") for line in lines]


def _values(snapshot: MarketSnapshot) -> tuple[str, ...]:
    return (_spot(snapshot), _options(snapshot), _funding(snapshot), _mood(snapshot), _history(snapshot))


def _spot(snapshot: MarketSnapshot) -> str:
    spot = snapshot.spot.value
    if spot is None:
        return "–"
    band = "" if spot.confidence_usd is None else f" ± {usd(spot.confidence_usd)}"
    return f"{usd(spot.value_usd)}{band} USD"


def _options(snapshot: MarketSnapshot) -> str:
    board = snapshot.options.value
    if board is None:
        return "–"
    iv = _near_iv(board, snapshot)
    count = f"{len(board.quotes)} asks, {len({quote.expires_at for quote in board.quotes})} expiries"
    return count if iv is None else f"IV {share(iv)}; {count}"


def _near_iv(board: OptionBoard, snapshot: MarketSnapshot) -> float | None:
    """The venue's IV of the single option nearest to the spot in the expiry nearest to a week away."""
    spot = snapshot.spot.value
    known = [quote for quote in board.quotes if quote.greeks and not quote.kind.is_spread]
    if spot is None or not known:
        return None

    def distance(quote: OptionQuote) -> tuple[float, float]:
        days = (quote.expires_at - snapshot.taken_at).total_seconds() / 86_400
        return abs(days - 7), abs(float(quote.strikes[0] - spot.value_usd))

    greeks = min(known, key=distance).greeks
    return greeks.iv if greeks else None


def _funding(snapshot: MarketSnapshot) -> str:
    funding = snapshot.funding.value
    return "–" if funding is None else f"{float(funding.next_rate_1h) * 8760:+.1%} a year".replace("%", " %")


def _mood(snapshot: MarketSnapshot) -> str:
    mood = snapshot.sentiment.value
    if mood is None:
        return "–"
    said = [f"Fear & Greed {mood.fear_greed[-1].value}/100"] if mood.fear_greed else []
    if mood.posts:
        said.append(f"{mood.posts.posts} posts {mood.posts.mean:+.2f} ± {mood.posts.standard_error:.2f}")
    return ", ".join(said) or "–"


def _history(snapshot: MarketSnapshot) -> str:
    history = snapshot.history.value
    return "–" if history is None else f"{len(history.candles):,} hourly candles"


def market_view(snapshot: MarketSnapshot, network: str) -> Group:
    """The whole answer of `bethna market`."""
    heading = Text(f"Market for {snapshot.asset}", style="bold")
    return Group(heading, reality(snapshot, network), Text(), market_table(snapshot), *market_notes(snapshot))


def reality(snapshot: MarketSnapshot, network: str) -> Text:
    """Say first whether any of this is real."""
    origins = {part.provenance.origin for part in snapshot.parts if part.provenance}
    taken = moment(snapshot.taken_at)
    if Origin.SIMULATED in origins:
        return Text(f"SIMULATED: a made-up market ({network}), {taken}", style="bold magenta")
    if Origin.REPLAY in origins:
        wished = f", asked for {moment(snapshot.asked_for)}" if snapshot.asked_for else ""
        return Text(f"REPLAY {taken}{wished}; cannot be bought", style="bold magenta")
    return Text(f"LIVE on {network}, {taken}", style="bold green")


def board_view(
    snapshot: MarketSnapshot, board: OptionBoard, kind: OptionKind | None, network: str, width: int
) -> Group:
    """Every ask of a kind (None: of all), one table per expiry; narrow screens lose gamma, vega and size."""
    quotes = [quote for quote in board.quotes if kind in (None, quote.kind)]
    ordered = sorted(quotes, key=lambda quote: (quote.expires_at, quote.kind, quote.strikes))
    name = "options" if kind is None else f"{_words(kind)}s"
    blocks: list[RenderableType] = [Text(f"{board.asset} {name} on offer", style="bold"), reality(snapshot, network)]
    for (expires_at, each), group in groupby(ordered, key=lambda quote: (quote.expires_at, quote.kind)):
        heading = Text(f"{_words(each)}s expiring {moment(expires_at)}, USD per contract", style="bold")
        blocks += [Text(), heading, _asks(group, full=width >= FULL_BOARD_WIDTH)]
    if not quotes:
        blocks.append(Text("Nothing of this kind is on offer now."))
    return Group(*blocks, *_left_out(board), *market_notes(snapshot))


def overview(snapshots: Sequence[MarketSnapshot], boards: Sequence[OptionBoard], network: str) -> Group:
    """What is offered at all: per asset and kind the number of asks, expiries, the cheapest, and the command."""
    grid = table("on offer", "asks", "expiries", "cheapest", "see them", right=("asks", "expiries", "cheapest"))
    for board in boards:
        for kind in OptionKind:
            quotes = [quote for quote in board.quotes if quote.kind is kind]
            if quotes:
                name = f"{board.asset.lower()}-{_words(kind).replace(' ', '-')}"
                expiries = len({quote.expires_at for quote in quotes})
                cheapest = usd(min(quote.price_usd for quote in quotes))
                grid.add_row(name, str(len(quotes)), str(expiries), cheapest, f"bethna strategies {name}")
    notes = [note for snapshot in snapshots for note in market_notes(snapshot)]
    return Group(Text("On offer", style="bold"), *_realities(snapshots, network), Text(), grid, *notes)


def _realities(snapshots: Sequence[MarketSnapshot], network: str) -> list[Text]:
    """Say whether they are real: once, or for each asset where that differs, as the moments of a replay do."""
    lines = [reality(snapshot, network) for snapshot in snapshots]
    if len({line.plain for line in lines}) == 1:
        return lines[:1]
    return [Text(f"{snapshot.asset}: ").append_text(line) for snapshot, line in zip(snapshots, lines, strict=True)]


def _words(kind: OptionKind) -> str:
    return kind.value.replace("_", " ").lower()


def _asks(quotes: Iterable[OptionQuote], full: bool) -> Table:
    names = ("strike", "premium", "IV", "delta", "theta/day", *(("gamma", "vega", "size") if full else ()))
    grid = table(*names, right=names)
    for quote in quotes:
        greeks = quote.greeks
        row = [
            "/".join(f"{strike.normalize():,f}" for strike in quote.strikes),
            usd(quote.price_usd),
            share(greeks.iv if greeks else None),
            _number(greeks.delta if greeks else None, "+.3f"),
            _number(greeks.theta if greeks else None, ",.2f"),
            _number(greeks.gamma if greeks else None, ".5f"),
            _number(greeks.vega if greeks else None, ",.2f"),
            f"{quote.max_size:,.2f}",
        ]
        grid.add_row(*row[: len(names)])
    return grid


def _number(value: float | None, how: str) -> str:
    return "–" if value is None else format(value, how)


def _left_out(board: OptionBoard) -> list[Text]:
    """Say what was on the board and cannot be bought, by reason."""
    if not board.left_out:
        return []
    said = ", ".join(f"{count} {reason}" for reason, count in sorted(board.left_out.items()))
    return [words(f"Left out: {said}.", "dim")]
