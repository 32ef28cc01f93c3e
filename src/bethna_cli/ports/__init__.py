"""What bethna needs from outside, as Protocols. A Protocol's docstring is its contract.

Every method raises a `BethnaError` subclass when it cannot answer; none answers with an invented or stale number,
an empty list for an outage, or an exception of the library underneath. A look at the market has no use for the chain's
nouns, which cost 10 ms: they are imported for type checkers alone.
"""

from bethna_cli.ports.chain import Chain, ContractStates, TokenAccounts, TraderContracts, TransactionSigner
from bethna_cli.ports.history import (
    HistoryArchive,
    HistoryStore,
    Past,
    QuotedVolatility,
    RecordedMarket,
    RecordedMoment,
    Regressor,
    Trainer,
)
from bethna_cli.ports.market import Clock, FundingFeed, HistoryFeed, OptionsVenue, PriceStream, SentimentFeed, SpotFeed
from bethna_cli.ports.signing import ExitSigner, KeyStore, Policies, PolicyCheck, Signer, SigningSession
from bethna_cli.ports.talking import LanguageModel, ReadTool, Sessions, Understander
from bethna_cli.ports.telling import Alerts, Ledger, Notifier, Outbox, Retention
from bethna_cli.ports.trading import Decisions, ExitEvidence, Journal, Mandates, OrderBook, TradeEvidence, TradingVenue
from bethna_cli.ports.watching import News, OptionEvents, Positions, Redemptions, Sighting, Tell, Watchbook

__all__ = [
    "Alerts",
    "Chain",
    "Clock",
    "ContractStates",
    "Decisions",
    "ExitEvidence",
    "ExitSigner",
    "FundingFeed",
    "HistoryArchive",
    "HistoryFeed",
    "HistoryStore",
    "Journal",
    "KeyStore",
    "LanguageModel",
    "Ledger",
    "Mandates",
    "News",
    "Notifier",
    "OptionEvents",
    "OptionsVenue",
    "OrderBook",
    "Outbox",
    "Past",
    "Policies",
    "PolicyCheck",
    "Positions",
    "PriceStream",
    "QuotedVolatility",
    "ReadTool",
    "RecordedMarket",
    "RecordedMoment",
    "Redemptions",
    "Regressor",
    "Retention",
    "SentimentFeed",
    "Sessions",
    "Sighting",
    "Signer",
    "SigningSession",
    "SpotFeed",
    "Tell",
    "TokenAccounts",
    "TradeEvidence",
    "TraderContracts",
    "TradingVenue",
    "Trainer",
    "TransactionSigner",
    "Understander",
    "Watchbook",
]
