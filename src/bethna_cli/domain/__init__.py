"""Nouns: what things are, in units. Standard library only; decides nothing, touches nothing."""
