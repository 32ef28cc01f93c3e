"""`recommend`, `buy`, `market`, `strategies`: everything that looks at a market and spends nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import MARKET_FLAGS, At, ExampleCommand, Json, Network, NoColor, Replay, Seed, new_app

if TYPE_CHECKING:
    from bethna_cli.bootstrap.market import App
    from bethna_cli.domain.intent import DirectRequest, TradeRequest, View
    from bethna_cli.domain.market import Asset, MarketSnapshot, OptionBoard
    from bethna_cli.domain.options import OptionKind
    from bethna_cli.domain.recommendation import Recommendation
    from bethna_cli.settings import Settings

OUTSIDE_IS_DOWN = 5

app = new_app("Look at the market.")

AssetName = Annotated[str, typer.Argument(metavar="ASSET", help="ETH or BTC (ether, bitcoin, xbt … work too).")]
ProductName = Annotated[
    str | None, typer.Argument(metavar="[PRODUCT]", help="eth, eth-call, btc-put-spread …; without it an overview.")
]
Bullish = Annotated[bool, typer.Option("--bullish", help="Your own view: up.")]
Bearish = Annotated[bool, typer.Option("--bearish", help="Your own view: down.")]
Neutral = Annotated[bool, typer.Option("--neutral", help="Your own view: little movement.")]
Budget = Annotated[str | None, typer.Option("--budget", metavar="USDC", help="The most to spend (default 100).")]
Expiry = Annotated[str | None, typer.Option("--expiry", metavar="SPAN", help="36h, 7d, 2w … (default 7d).")]
Delta = Annotated[str | None, typer.Option("--delta", metavar="X", help="Wished delta, absolute (default 0.30).")]
Strike = Annotated[str, typer.Option("--strike", metavar="USD", help="The strike; 3000/3200 for a spread.")]
When = Annotated[str, typer.Option("--expiry", metavar="WHEN", help="A span like 7d, or a UTC time.")]
Amount = Annotated[str | None, typer.Option("--amount", metavar="USDC", help="The most to spend (default 100).")]


@app.command(cls=ExampleCommand, epilog="bethna recommend ETH --bullish --budget 100 --expiry 7d")
def recommend(
    asset: AssetName,
    bullish: Bullish = False,
    bearish: Bearish = False,
    neutral: Neutral = False,
    budget: Budget = None,
    expiry: Expiry = None,
    delta: Delta = None,
    network: Network = None,
    replay: Replay = None,
    at: At = None,
    seed: Seed = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Ask Alpha for one trade, or for the reason to stand aside."""
    from bethna_cli.cli.values import parse_asset
    from bethna_cli.domain.intent import TradeRequest
    from bethna_cli.settings import load_settings

    wishes = {"budget_usdc": budget, "expiry": expiry, "target_delta": delta}
    settings = load_settings({**wishes, "network": network, "replay": replay, "at": at, "seed": seed})
    request = TradeRequest(
        asset=parse_asset(asset),
        view=_view(bullish, bearish, neutral),
        budget=settings.budget,
        expiry_days=settings.expiry_days,
        target_delta=settings.target_delta,
        view_odds=settings.view_odds,
    )
    _show_answer(request, settings, as_json, no_color)


@app.command(cls=ExampleCommand, epilog="bethna strategies eth-call")
def strategies(
    product: ProductName = None,
    network: Network = None,
    replay: Replay = None,
    at: At = None,
    seed: Seed = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Show what is really on offer: strikes, expiries, premiums, IV, Greeks (USD per contract)."""
    from bethna_cli.cli import output
    from bethna_cli.cli.values import parse_product
    from bethna_cli.domain.market import Asset
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network, "replay": replay, "at": at, "seed": seed})
    wanted = parse_product(product) if product else None
    snapshots = [_observed(settings, asset, no_color) for asset in ((wanted.asset,) if wanted else Asset)]
    boards = [_board(snapshot) for snapshot in snapshots]
    kind = wanted.kind if wanted else None
    if as_json:
        output.emit([row for board in boards for row in _quote_rows(board, kind)])
        return
    from bethna_cli.cli.render_market import board_view, overview

    screen = output.console(no_color)
    if wanted:
        screen.print(board_view(snapshots[0], boards[0], kind, settings.network, screen.width))
    else:
        screen.print(overview(snapshots, boards, settings.network))


@app.command(cls=ExampleCommand, epilog="bethna buy eth-call --strike 3200 --expiry 7d --amount 100")
def buy(
    product: Annotated[
        str, typer.Argument(metavar="PRODUCT", help="eth-call, btc-put, eth-straddle, eth-call-spread …")
    ],
    strike: Strike,
    expiry: When = "7d",
    amount: Amount = None,
    network: Network = None,
    replay: Replay = None,
    at: At = None,
    seed: Seed = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Put your own choice of trade on a card: its price, its risks, and what Alpha thinks of it."""
    from bethna_cli.cli.values import parse_expiry, parse_purchase, parse_strikes
    from bethna_cli.domain.intent import DirectRequest
    from bethna_cli.settings import load_settings

    flags = {"budget_usdc": amount, "network": network, "replay": replay, "at": at, "seed": seed}
    settings = load_settings(flags, names={"budget_usdc": "--amount"})
    asset, kinds = parse_purchase(product)
    request = DirectRequest(asset, kinds, parse_strikes(strike), parse_expiry(expiry), settings.budget)
    _show_answer(request, settings, as_json, no_color)


@app.command(cls=ExampleCommand, epilog="bethna market ETH")
def market(
    asset: AssetName,
    network: Network = None,
    replay: Replay = None,
    at: At = None,
    seed: Seed = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Show spot, IV, funding and mood, each with its source and age. Exits 5 when spot or options are missing."""
    from bethna_cli.cli import output
    from bethna_cli.cli.values import parse_asset
    from bethna_cli.domain.documents import snapshot_document
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network, "replay": replay, "at": at, "seed": seed})
    snapshot = _observed(settings, parse_asset(asset), no_color)
    if as_json:
        output.emit(snapshot_document(snapshot))
    else:
        from bethna_cli.cli.render_market import market_view

        output.console(no_color).print(market_view(snapshot, settings.network))
    if not (snapshot.spot.usable and snapshot.options.usable):
        raise typer.Exit(OUTSIDE_IS_DOWN)


def _view(bullish: bool, bearish: bool, neutral: bool) -> "View | None":
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.intent import View

    given = [view for view, flag in zip(View, (bullish, bearish, neutral), strict=True) if flag]
    if len(given) > 1:
        flags = " and ".join(f"--{view.lower()}" for view in given)
        raise UsageError(f"{flags} contradict each other; one view at a time.", hint="bethna recommend ETH --bullish")
    return given[0] if given else None


def _show_answer(request: "TradeRequest | DirectRequest", settings: "Settings", as_json: bool, no_color: bool) -> None:
    from dataclasses import replace

    from bethna_cli.cli import output
    from bethna_cli.cli.session import with_market
    from bethna_cli.cli.shown import note_shown
    from bethna_cli.domain.documents import recommendation_document
    from bethna_cli.domain.intent import DirectRequest
    from bethna_cli.flow.advise import advise

    async def ask(application: "App") -> "Recommendation":
        return await advise(request, application.desk())

    answer = with_market(settings, request.asset, ask, no_color)
    if answer.buy_line:
        answer = replace(answer, buy_line=answer.buy_line + _same_market(settings))
    note_shown(lambda: recommendation_document(answer))
    if as_json:
        output.emit(recommendation_document(answer))
        return
    from bethna_cli.cli.render_advice import print_card

    print_card(output.console(no_color), answer, own_choice=isinstance(request, DirectRequest))


def _same_market(settings: "Settings") -> str:
    """Repeat the flags that chose this market, so that a pasted line looks at the same one."""
    import shlex

    from bethna_cli.cli.config import shown

    given = [key for key in MARKET_FLAGS if settings.origin(key) == "flag"]
    return "".join(f" --{key} {shlex.quote(str(shown(settings, key)))}" for key in given)


def _observed(settings: "Settings", asset: "Asset", no_color: bool) -> "MarketSnapshot":
    from bethna_cli.cli.session import with_market
    from bethna_cli.flow.observe import observe

    async def look(application: "App") -> "MarketSnapshot":
        return await observe(asset, application.feeds, application.clock)

    return with_market(settings, asset, look, no_color)


def _board(snapshot: "MarketSnapshot") -> "OptionBoard":
    from bethna_cli.domain.errors import OutsideError

    part = snapshot.options
    if part.usable and part.value is not None:
        return part.value
    raise OutsideError(f"No quotes for {snapshot.asset}: {part.status.value}, {part.reason}.", hint="bethna doctor")


def _quote_rows(board: "OptionBoard", kind: "OptionKind | None") -> list[dict[str, object]]:
    from bethna_cli.domain.documents import quote_document
    from bethna_cli.domain.market import Origin
    from bethna_cli.domain.units import iso

    said = board.provenance
    origin = {
        "source": said.source,
        "observed_at": iso(said.observed_at),
        "simulated": said.origin is Origin.SIMULATED,
        "origin": said.origin.value,
    }
    quotes = [quote for quote in board.quotes if kind in (None, quote.kind)]
    return [{"asset": board.asset.value, **quote_document(quote), **origin} for quote in quotes]
