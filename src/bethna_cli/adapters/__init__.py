"""Adapters: everything that touches network, disk, chain, clock, chance or a key. They translate errors; they decide nothing."""
