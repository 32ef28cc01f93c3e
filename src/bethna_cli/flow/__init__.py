"""What happens next, and what happens when that fails: one file per arrow of a trade's journey.

ask -> observe -> advise
text   feeds      features
->     at once -> model ->
Intent Snapshot   strategy
"""
