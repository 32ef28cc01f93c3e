"""Fixtures of this room: a market of its own for each test."""

from exchange_fixtures import begun_exchange, market, two_expiries

__all__ = ["begun_exchange", "market", "two_expiries"]
