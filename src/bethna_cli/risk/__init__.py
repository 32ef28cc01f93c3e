"""Gamma: what positions are worth, when they are to be sold, and what the whole of them risks. Pure."""
