"""What touches network, disk, chain, clock, chance or a key. Adapters translate errors; they decide nothing."""
