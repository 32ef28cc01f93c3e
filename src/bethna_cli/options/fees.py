"""What the venue takes out of a premium: a buyer pays nothing beside the premium, a seller gets it less the fee."""

from bethna_cli.domain.units import CONTRACT_UNIT, USDC_UNIT, Usdc

NOTIONAL_SHARE = (6, 10_000)
PREMIUM_SHARE = (1, 8)


def venue_fee(contracts: int, premium: int, spot_usd: float) -> Usdc:
    """Return min(0.06 % of the notional, 12.5 % of the premium) in USDC base units, rounded up.

    contracts: 6 decimals; premium: USDC base units; spot_usd: of one coin. Source: Thetanuts V4, calculateFee.
    """
    notional = contracts * round(spot_usd * USDC_UNIT) // CONTRACT_UNIT
    return Usdc(min(_share(notional, NOTIONAL_SHARE), _share(premium, PREMIUM_SHARE)))


def _share(amount: int, share: tuple[int, int]) -> int:
    return -(-amount * share[0] // share[1])
