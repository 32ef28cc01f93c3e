"""The one list of commands: what the shell, the help and the completion offer, and where each is implemented.

Nothing is imported until a command is run or asked about, so that `bethna --help` costs no more than Typer.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or a group of commands under one name.

    target: `module:attribute` of the Typer app that holds it; the app of a group *is* the group.
    """

    name: str
    summary: str
    section: str
    target: str
    is_group: bool = False


COMMANDS = (
    Command("chat", "The copilot: say it in your own words", "Look", "bethna_cli.cli.chat:app"),
    Command("recommend", "Alpha's recommendation for ETH or BTC", "Look", "bethna_cli.cli.market:app"),
    Command("market", "Spot, IV, funding and mood, with source and age", "Look", "bethna_cli.cli.market:app"),
    Command("strategies", "What is really on offer: strikes, premiums, Greeks", "Look", "bethna_cli.cli.market:app"),
    Command(
        "buy", "Your own choice on a card: its price, its risks, Alpha's opinion", "Look", "bethna_cli.cli.market:app"
    ),
    Command("approve", "Check it, sign it, buy it: yes to a recommendation", "Trade", "bethna_cli.cli.approve:app"),
    Command("close", "Check a sale, sign it, sell what you hold", "Trade", "bethna_cli.cli.close:app"),
    Command("reject", "No to a recommendation, and why", "Trade", "bethna_cli.cli.approve:app"),
    Command("trades", "What was signed and sent, and what came of it", "Trade", "bethna_cli.cli.trades:app"),
    Command("policy", "Consent ahead of time: set, show, clear", "Trade", "bethna_cli.cli.policy:app", True),
    Command("recover", "Bring open trades to what the chain shows", "Trade", "bethna_cli.cli.trades:app"),
    Command("exits", "When a position is to be sold: its rules and chances", "Watch", "bethna_cli.cli.exits:app"),
    Command("risk", "Greeks, a bad day, health, what if prices move", "Watch", "bethna_cli.cli.risk:app"),
    Command("why", "What Gamma decided about a position, and by what", "Watch", "bethna_cli.cli.exits:app"),
    Command(
        "watch", "Gamma: marks positions, warns, sells what you signed for", "Watch", "bethna_cli.cli.watch:app", True
    ),
    Command("alerts", "Notifications: list, follow, acknowledge, test", "Watch", "bethna_cli.cli.alerts:app", True),
    Command("positions", "What is held: cost, value, P&L, Greeks, days left", "Watch", "bethna_cli.cli.positions:app"),
    Command("history", "Positions that are over, and what came of them", "Watch", "bethna_cli.cli.history:app"),
    Command("report", "Gains by period and strategy, tax list as CSV", "Watch", "bethna_cli.cli.history:app"),
    Command("model", "Alpha's model: card, evaluate, drift, list, use", "Set up", "bethna_cli.cli.model:app", True),
    Command("backtest", "Alpha on recorded history, beside simple rules", "Set up", "bethna_cli.cli.backtest:app"),
    Command("train", "Train Alpha's model on recorded history", "Set up", "bethna_cli.cli.train:app"),
    Command("wallet", "Accounts: new, import, list, balance, revoke, …", "Set up", "bethna_cli.cli.wallet:app", True),
    Command("sim", "The embedded world: up, down, status, reset, advance", "Set up", "bethna_cli.cli.sim:app", True),
    Command(
        "contract",
        "Your own SentientTrader: deploy, status, verify, pause, unpause",
        "Set up",
        "bethna_cli.cli.contract:app",
        True,
    ),
    Command("init", "Set bethna up step by step, each step tried and skippable", "Set up", "bethna_cli.cli.init:app"),
    Command("config", "Settings: show, set, path", "Set up", "bethna_cli.cli.config:app", True),
    Command("db", "The store: rebuild, migrate, prune", "Set up", "bethna_cli.cli.db:app", True),
    Command("doctor", "Check the installation and every source", "Set up", "bethna_cli.cli.doctor:app"),
)
BY_NAME = {command.name: command for command in COMMANDS}
