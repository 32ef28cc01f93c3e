"""Option mathematics from numbers: prices, Greeks, implied volatility, payoffs. No I/O, no clock, no chance."""
