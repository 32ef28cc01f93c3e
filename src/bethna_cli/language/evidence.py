"""The words that an order needs, and whether they are meant: not denied in their clause, not in quotation marks.

Positive evidence alone: which words speak of selling, of buying, of saying yes. What speaks against an order as a whole
(a question, a condition, somebody else's words) is `rules`'s.
"""

import re

from bethna_cli.domain.utterance import IntentKind

_SELL = (
    r"sell|close|exit|dump|liquidate|unload|offload|unwind|ditch|flatten|bail|cash(?: \w+)? out"
    r"|cashout|get_rid_of|dispose|square (?:off|up)"
    r"|(?:get|take|pull) (?:me |us )?out|jual\w*|tutup\w*|keluar|lepas\w*|cairkan|take_profit|(?:take"
    r"|bank|lock in|book|realise|secure) (?:the |my |some )?(?:profits?|gains?|win)"
    r"|cut (?:my |the )?loss(?:es)?|ambil untung|cut ?loss|go flat|end|terminate|want(?: to be)? out"
    r"|need out|(?:would like|me) (?:out of|flat)|get flat|redeem|scrap my|drop my|let go of|part with|zero|selling"
    r"|closing|exiting|kill|nuke|axe"
    r"|wrap (?:it |this )?up|finish|shut|cabut|buang|lempar|abandon|settle|chuck|bin|wipe|clear out"
    r"|cash in|quit|leave|rid of|(?:my|the) money out|let go|pull the plug|step out|jump out|done with"
    r"|through with|close out|cashing|pull out"
    r"|take (?:the )?money|jualin|cairin|cut (?:my |the |this |that )?(?:~asset:[A-Z]+ )?(?:position|trade|~call|~put)"
)
_BUY = (
    r"buy|purchase|order|acquire|get|grab|snag|take|pick up|scoop\w*|cop|book|open|enter|initiate"
    r"|start|place|long|spend|invest|throw|use|ape|yolo|put|bid"
    r"|beli\w*|ambil\w*|buka\w*|pasang|want|need|give me|buying|taking|getting|add|sign me up"
    r"|count me in|set me up|hook me up|load up|all in|submit|make|go for|have|drop|stick|chuck|punt"
    r"|deploy|allocate|secure|score|execute|long position|new position|lock in"
    r"|would like|care for|fancy|going for|going with|go with|down for|load|smash|slam|stick|bet|lump"
    r"|slap|park|commit|masuk|gas|hajar|sikat"
    r"|mau|tolong|trade|snipe|nab|bag|lift|hit"
)
_APPROVE = (
    r"yes\w*|yep|yeah+|yup|yea|yas+|ya|iya|yoi|y|yah|ye|aye|ok\w*|k|kk|sure\w*|certainly|absolutely"
    r"|definitely|of course|affirmative|fine|alright|aight|ight|approv\w*|aprov\w*|accept\w*"
    r"|confirm\w*|agree\w*|execut\w*|proceed|continue|go|go_ahead|go_for_it|pull_trigger|do it|do that"
    r"|do this|do so|send it|ship it|sign|submit|deal|done|lgtm|sgtm|wfm|roger|copy that|ack"
    r"|make it (?:happen|so)|make (?:the|that|this)|take it|take that|take the|take this|buy it"
    r"|buy that|buy this|get it|get that|grab it|place|i am in|im in|in|sold|convinced|ready|works"
    r"|setuju\w*|lanjut\w*|gas\w*|siap|boleh|sip|sepakat|eksekusi|jalankan|silakan|silahkan|oke|baik"
    r"|betul|mantap|let us (?:do|go|roll|take|buy|make|run|get)|take|green light|permission|carry on"
    r"|lock it in|hit it|fire|run it|why not|no objections?|thumbs up|happy with|on board|book it|seal"
    r"|press|full send|fill it|enter the trade|do the trade|i will have|yolo|trust you|count me in"
    r"|good to go|please do|be my guest|that is the one|first one|this one|acceptable|rock|roll|ride"
    r"|acc|consent|blessing|bless|authori[sz]e\w*|onwards?|lfg|dale|si|oui|vale|claro|sim|hai|engage"
    r"|commence|all for it|as recommended|as you suggested|sikat|hajar|ayo|terima|amen|correct"
    r"|by all means|will do|that will|no brainer|obviously|bring it|stick it on|lets|👍|✅|💯|(?:looks?"
    r"|sounds?|seems?|all|feels) (?:very |really |pretty |quite |like a )?(?:good|great|fine|right"
    r"|perfect|ok\w*|solid|awesome|excellent|reasonable|fair|plan|deal|winner|nice|cool)|good (?:for"
    r"|by|with) me|good enough for me|buy|bet$|word$|am game|let us (?:do|go|roll|take|buy|make|run"
    r"|get|rock|ride|have|execute|proceed|try)|love it|i like (?:it|this|that)|terms accepted"
    r"|as (?:you )?(?:suggested|recommended)|follow (?:the|your) (?:recommendation|advice|plan|pick)"
    r"|have my go|consider it done"
)
_INSTRUMENT = re.compile(r"~call\b|~put\b|~strike:|\bstraddle|\bspread|\bstrangle|\boption\b|\bopsi\b|\bcontracts?\b")
_ACT = (
    r"(?:sell|close|exit|dump|liquidate|unload|offload|unwind|flatten|bail|buy|purchase|order|approve"
    r"|aprove|execute|sign|confirm|accept|proceed|go_ahead|go_for_it|do (?:it|that|this)"
    r"|send|submit|place|open|get|take|touch|selling|closing|buying|approving|executing|signing"
    r"|exiting|jual\w*|tutup\w*|beli\w*|setuju\w*|eksekusi|dijual|dibeli|ditutup|lanjut\w*|agree"
    r"|approval|cash|pull_trigger|let go|get_rid_of)"
)
_NOT = (
    r"(?:not|never|neither|nor|refrain\w*|avoid\w*|instead_of|rather_not|rather than|jangan|tidak|tdk"
    r"|nggak|ngga|gak|ga|enggak|belum|bukan|batal\w*|no need|no longer|no more|no approval|against"
    r"|under no|without|cancel\w*|hold off|stop|nobody|nothing to|forbid\w*|refuse\w*|decline\w*|abort"
    r"|prevent\w*|keep from|undo|revoke|withdraw|won't|ogah|usah)"
)
_DENIED_AFTER = re.compile(
    rf"\b{_ACT}\b[^.;!?]*\b(?:is not what|not what i|not (?:now|yet|today)|never|nanti dulu|jangan)\b"
    rf"|\bno {_ACT}\b|\bno(?:pe)?\b ?[,.!]? (?:do not|never|stop|way)\b|\bcancel (?:the |my |that "
    rf"|this )?(?:\w+ )?(?:buy|purchase|order|trade|sale)\b"
)
_ANY_NOT = re.compile(
    r"\b(?:not|never|no|nope|nah|jangan|tidak|nggak|gak|ga|belum|bukan|batal\w*|cancel|reject|decline"
    r"|refuse|skip|later|wait|stop|nanti|don't|unless|instead_of|rather_not|hold on|hold off|undo"
    r"|revoke|tunggu|maybe|perhaps)\b"
)
_NOT_A_NO = re.compile(
    r"\b(?:no (?:problem\w*|worries|objections?|doubt|brainer|questions? asked|complaints?|issues?"
    r"|need to wait|time to (?:lose|waste)|more (?:waiting|questions))|why not|not bad|not a problem"
    r"|can not wait|do not (?:wait|hesitate|ask|worry|bother asking|see why not)|no_thanks needed"
    r"|wait no more|cancel that thought|not gonna lie|without (?:delay|further ado|hesitation))\b"
)
RANGE = re.compile(
    r"~(?:strike|num):[5-9]?[0-9]{3,}[0-9.]* ?(?:to|-|–|and|until|till|sampai|or) ?~(?:strike|num):[0-9]{3,}"
)
"""From one strike to another: whoever names two wants to see them."""

_QUOTED = re.compile(r"\"[^\"]*\"?|(?<![\w])'[^']{2,}'(?![\w])|(?<![\w])'[^']{2,}$")

_SELL_WORD = re.compile(rf"\b(?:{_SELL})\b")
_BUY_WORD = re.compile(rf"\b(?:{_BUY})\b")
_YES_WORD = re.compile(rf"(?<!\w)(?:{_APPROVE})(?!\w)")
_ACT_WORD = re.compile(rf"\b{_ACT}\b")
_NOT_WORD = re.compile(rf"\b{_NOT}\b")
_CLAUSE = re.compile(r"[,;!?]+|\.(?![0-9])|:(?= |$)|\b(?:but|just|tapi|and then)\b")


def without_words(marked: str) -> frozenset[IntentKind]:
    """Return the money intents whose words the person does not say, or says only in a clause that denies them."""
    spoken = _NOT_A_NO.sub(" ", _QUOTED.sub(" ", marked))
    lacking = set()
    if not _meant(_SELL_WORD, spoken):
        lacking.add(IntentKind.CLOSE_POSITION)
    if not _INSTRUMENT.search(spoken) or not _meant_to_buy(spoken) or RANGE.search(spoken):
        lacking.add(IntentKind.OPEN_POSITION)
    if _ANY_NOT.search(spoken) or not _YES_WORD.search(spoken):
        lacking.add(IntentKind.APPROVE)
    return frozenset(lacking)


def is_denied(marked: str) -> bool:
    """Whether an order is named and denied, and none is given beside it."""
    line = _NOT_A_NO.sub(" ", marked)
    if _DENIED_AFTER.search(line):
        return True
    clauses = _CLAUSE.split(line)
    denied = [clause for clause in clauses if _is_denied_in(_ACT_WORD, clause) or _is_denied_in(_SELL_WORD, clause)]
    bought = [clause for clause in clauses if _INSTRUMENT.search(clause) and _is_denied_in(_BUY_WORD, clause)]
    return bool(denied or bought) and without_words(marked) >= {IntentKind.CLOSE_POSITION, IntentKind.OPEN_POSITION}


def is_quoted(marked: str) -> bool:
    """Whether the words of an order stand in quotation marks."""
    quoted = " ".join(_QUOTED.findall(marked))
    return any(words.search(quoted) for words in (_ACT_WORD, _SELL_WORD, _BUY_WORD, _YES_WORD))


def _meant(words: "re.Pattern[str]", line: str) -> bool:
    return any(words.search(clause) and not _is_denied_in(words, clause) for clause in _CLAUSE.split(line))


def _meant_to_buy(line: str) -> bool:
    """Whether something is to be bought. Where one clause forbids a purchase, another must name its own."""
    clauses = _CLAUSE.split(line)
    forbidden = any(_INSTRUMENT.search(clause) and _is_denied_in(_BUY_WORD, clause) for clause in clauses)
    return any(
        _BUY_WORD.search(clause) and not _is_denied_in(_BUY_WORD, clause)
        for clause in clauses
        if not forbidden or _INSTRUMENT.search(clause)
    )


def _is_denied_in(words: "re.Pattern[str]", clause: str) -> bool:
    """Whether a no stands before these words in the clause."""
    found, denial = words.search(clause), _NOT_WORD.search(clause)
    return bool(found and denial and denial.start() <= found.start())
