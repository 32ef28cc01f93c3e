"""What happens next, and what happens when that fails: one file per arrow of a trade's journey.

ask -> observe -> advise -> approve -> execute -> recover
text   feeds      features   sight,     journal,   what is
->     at once -> model ->   review,    send,      open, to
kind,  Snapshot   strategy   consent,   receipt    what the
slots                        signature             chain says
"""
