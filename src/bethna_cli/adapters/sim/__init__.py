"""The embedded world: a seeded market and a local chain that answer in the wire formats of the real services."""
