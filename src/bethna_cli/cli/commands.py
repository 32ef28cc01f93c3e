"""How bethna declares a command: the Typer settings, the help's first line, and the flags that commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

MARKET_FLAGS = ("network", "replay", "at", "seed")

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, errors too.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour and no escape codes (also: NO_COLOR=1).")]
Network = Annotated[str | None, typer.Option("--network", metavar="NAME", help="sim, base or base-sepolia.")]
Replay = Annotated[Path | None, typer.Option("--replay", metavar="DIR", help="Use recorded history from DIR.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="Fix the clock, like 2026-05-05T15:30Z.")]
Seed = Annotated[str | None, typer.Option("--seed", metavar="N", help="Which embedded world.")]


class HelpfulGroup(TyperGroup):
    """A group that prints its help, and succeeds, when it is named without a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            raise typer.Exit(0)
        return super().parse_args(ctx, args)


class _ExampleFirst:
    """Help that opens with an example: the epilog, moved to where it is read."""

    epilog: str | None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        if self.epilog:
            formatter.write(f"{self.epilog}\n\n")
        super().format_help(ctx, formatter)  # type: ignore[misc]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write nothing: the example stands on top."""


class ExampleCommand(_ExampleFirst, TyperCommand):
    """A command whose help opens with its example."""


class ActingGroup(_ExampleFirst, TyperGroup):
    """A group that acts by itself when it is named without a command."""


def new_app(
    summary: str, group: type[TyperGroup] | None = None, *, acts: str | None = None, completion: bool = False
) -> typer.Typer:
    """Make a Typer app that starts fast and shows no locals: plain help, plain tracebacks, `-h`.

    acts: an example of what it does by itself when no command is named; without one it prints its help then.
    """
    return typer.Typer(
        cls=group or (ActingGroup if acts else HelpfulGroup),
        help=summary,
        epilog=acts,
        add_completion=completion,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
