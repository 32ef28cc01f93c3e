"""What happens next, and what happens when that fails: one file per arrow of a trade's journey.

observe -> advise -> approve -> execute -> recover
feeds      features   sight,     journal,   what is
at once -> model ->   review,    send,      open, to
Snapshot   strategy   consent,   receipt    what the
                      signature             chain says
"""
