"""What happens next, and what happens when that fails: one file per arrow of a trade's journey.

ask -> observe -> advise -> approve -> execute -> record -> guard -> notify
text   feeds      features   sight,     journal,   events    marks,   outbox
->     at once -> model ->   review,    send,      -> posi-  rules,   -> mail,
kind,  Snapshot   strategy   consent,   receipt    tions,    exits    socket,
slots                        signature             forks              rooms

Beside it, `recover` brings what is open to what the chain says, whenever somebody asks, and `retain` drops what is old.
"""
