"""bethna: a command-line copilot for crypto options on Base. Importing it does nothing."""

__version__ = "0.1.0"
