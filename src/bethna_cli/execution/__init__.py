"""Beta's rules: what must hold before a trade, what is signed, and what is sent. Decides from values alone."""
