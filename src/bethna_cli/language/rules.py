"""What the words themselves settle, whatever a model believes: when an utterance is no order to spend or to sell.

A money intent needs words that say so (evidence), spoken by the person (not quoted, not reported), as an order (not a
question, not denied, not on a condition). Each rule errs towards harmlessness: what it takes away still gets an answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bethna_cli.domain.utterance import IntentKind
from bethna_cli.language.evidence import is_denied, is_quoted, without_words
from bethna_cli.language.idioms import is_idiom, unexpected_in

MOST_WORDS = 45
"""An order fits into a sentence or two; a pasted text does not become one because the word is in it."""


class Doubt(Enum):
    """Why an utterance is not an order."""

    INJECTED = "it tries to change the rules"
    PLACE = "it names an address or a link, or is too long"
    QUOTED = "the words are quoted"
    REPORTED = "somebody else says so, or is to do it"
    DENIED = "it is denied"
    CONDITION = "it depends on something"
    QUESTION = "it is a question"
    HEDGED = "it is a thought, or past"
    FIGURE = "it is a turn of speech"


INSTEAD = {
    Doubt.INJECTED: IntentKind.OUT_OF_SCOPE,
    Doubt.PLACE: IntentKind.OUT_OF_SCOPE,
    Doubt.QUOTED: IntentKind.OUT_OF_SCOPE,
    Doubt.REPORTED: IntentKind.OUT_OF_SCOPE,
    Doubt.DENIED: IntentKind.REJECT,
    Doubt.CONDITION: IntentKind.SET_EXIT_RULE,
    Doubt.QUESTION: IntentKind.EXPLAIN,
    Doubt.HEDGED: IntentKind.EXPLAIN,
    Doubt.FIGURE: IntentKind.OUT_OF_SCOPE,
}
"""What an utterance is when it looks like an order and is none."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say about a line: one doubt about all money intents, or the kinds that lack their words.

    unexpected: the kinds whose words are there beside others that have no place in an order; they are asked about.
    """

    doubt: Doubt | None
    without_evidence: frozenset[IntentKind]
    unexpected: frozenset[IntentKind]


_INJECTED = (
    re.compile(r"^ ?/|--[a-z]|\btype \w{4} for me\b"),
    re.compile(
        r"\byou (?:must|shall|have to|need to|are (?:required|ordered|obliged|instructed|commanded|told|allowed))\b"
        r"|\b(?:an|the|my|this) order from\b|\bthis is (?:an order|a command|the system|your)\b|\brequired to\b"
    ),
    re.compile(
        r"\b(?:ignore|disregard|forget|override|bypass|overrule|abaikan|lupakan) .{0,40}\b(?:instructions?"
        r"|rules?|prompts?|checks?|guard ?rails?|guidelines|restrictions|limits|policy|policies|instruksi"
        r"|aturan|polic\w*|safety)\b"
    ),
    re.compile(
        r"(?:^\W*|\b(?:eth|btc) )(?:system|assistant|user|developer|admin|root|human|ai|instructions?"
        r"|important|note to"
        r"|attention|begin|operator|tool)\b[^:]{0,30}:"
    ),
    re.compile(
        r"[\[<{#|]{1,3} ?/?(?:system|admin|inst|user|assistant|im_start|developer|instruction|prompt|root"
        r"|tool)\b"
    ),
    re.compile(
        r"</?[a-z_]+>|\b(?:developer|debug|god|admin|sudo|root|dan|maintenance) mode\b|\bjailbr\w+"
        r"|\bsudo\b|\bbase64\b|\bprompt\b"
    ),
    re.compile(
        r"\bpretend\b|\byou are now\b|\bfrom now on\b|\bact (?:as|like)\b|\brole-?play\b|\bimagine (?:i"
        r"|that|you)\b|\bassume (?:i|that i|my)\b|\bbehave as\b"
    ),
    re.compile(
        r"\bas (?:the|an|your) (?:owner|admin\w*|developer|creator|operator|root)\b|\b(?:developers?|admin"
        r"|support|team|creator|owner|company|maker) (?:of \w+ )?(?:want|wants|say|says|said|ask|asks"
        r"|asked|order|orders|ordered|told|tells|allow|allows|instruct|instructs|instructed|require"
        r"|requires)\b"
    ),
    re.compile(
        r"\bwithout (?:asking|confirm\w*|checks?|approval|a password|my|any)\b|\bskip (?:the |all "
        r"|any )?(?:checks?|confirmation\w*|card|review|password|safety)\b|\b(?:disable|turn off"
        r"|remove) (?:the |all )?(?:checks?|confirmation\w*|safety|guard\w*)\b"
    ),
    re.compile(
        r"\btreat (?:every|each|any|all|this|my|the)\b|\b(?:automatically|always|auto) (?:approve|sign"
        r"|confirm|accept)|\b(?:approve|sign|accept|confirm) (?:everything|all|anything|every)\b"
        r"|\bthe user (?:has |said|wants|approved|confirmed|agrees)|\balready approved\b|\bon (?:my|their"
        r"|his|the user'?s?) behalf\b|\bnew instructions?\b|\bemergency override\b"
    ),
)
_PERSON = (
    r"(?:he|she|they|someone|somebody|everyone|everybody|people|folks|traders|whales?|elon|saylor"
    r"|vitalik|trump|friends?|buddy|mate|brother|sister|wife|husband|boss|dad|mom|mum|mother|father"
    r"|uncle|aunt|cousin|son|daughter|neighbou?r|colleague|coworker|broker|advisor|adviser"
    r"|girlfriend|boyfriend|partner|roommate|teacher|guy|girl|dude|man|woman|kid|influencers?"
    r"|analysts?|experts?|youtubers?|gurus?|streamer|tiktok\w*|tweets?|posts?|articles?|news|emails?"
    r"|videos?|podcast|blog|magazine|newspaper|book|docs|documentation|manual|website|forum|reddit"
    r"|twitter|discord|telegram|headline|sticker|label|screen|screenshot|poster|message"
    r"|sms|comment|letter"
    r"|institutions?|funds?|banks?|bob|alice|john|mike|dave|anna|tom|maria|teman\w*|dia|mereka|kakak"
    r"|adik|bos|orang|temen\w*|istri|suami|pacar|chatgpt|gpt|claude|the bot|a bot|another bot"
    r"|your competitor|blackrock|goldman|jim cramer|cramer|cz|sbf)"
)
_SAYS = (
    r"(?:says?|said|tells?|told|wants?|wanted|thinks?|thought|writes?|wrote|posts?|posted|claims?"
    r"|claimed|asks?|asked|recommends?|recommended|suggests?|suggested|reads?|tweets?|tweeted|replied"
    r"|replies|shouts?|shouted|approves?|approved|believes?|advised?|advises|is|are|was|were|has|have"
    r"|had|just|bought|sold|buys|sells|closed|closes|would|will|keeps?|should|could|can|may|might"
    r"|bilang|suruh|nyuruh|kata\w*|menyuruh|mau|beli|jual|did|does|do|to|typed|types|called|named"
    r"|labelled|that|going|also|already|never|always|really|whispered|insists?|insisted|swears?"
    r"|promised|demands?|demanded|made|urges?|urged|yelled|screamed|mentioned|explained|decided|sent"
    r"|sends|forwarded|answered|agrees?|agreed|confirms?|confirmed|sign\w*|execut\w*|buying|selling"
    r"|closing|dumping)"
)
_REPORTED = (
    re.compile(rf"\b{_PERSON}\b(?: (?:on|in|at|from|of|with|from) \w+)?(?: \w+)? {_SAYS}\b"),
    re.compile(
        r"\b(?:told|asked|advised|ordered|instructed|texted|emailed) (?:me|us|him|her|them) (?:to|that"
        r"|not)\b|\b(?:i (?:read|heard|saw|was told|overheard|dreamt|dreamed)|it says|it said"
        r"|there is a (?:post|sign|tweet|message|text)|according to|rumou?r|quote|quoting|quotes|fwd"
        r"|forwarded|copied|headline|breaking|subject|re ?:)\b"
    ),
    re.compile(
        r"\b(?:forward|relay|pass|send|give|show) (?:this|it|that|the (?:following|below|above))(?: on| along)? to\b"
    ),
    re.compile(
        r"^(?:please )?(?:tell|ask|remind|advise|text|email|message|call|let|convince|help|make|show|teach"
        r"|warn) (?!me\b|us\b|you\b|it\b|alpha\b|beta\b|gamma\b|bethna\b|my (?:position|~)|the (?:position"
        r"|trade|order)|sure\b|it\b|a (?:trade|position)|this\b|that\b)(?:my |the "
        r"|our )?\w+(?: \w+)? (?:to|that|about|whether|if|should|he|she|they|know|sell|buy|close"
        r"|approve)\b"
    ),
    re.compile(
        r"\b(?:translate|repeat after|spell|pronounce|print the|echo|type out|read aloud|say the word"
        r"|write the|the word|the phrase|the sentence|the text|the term|the command|the expression"
        r"|the button|lyrics)\b"
    ),
    re.compile(
        r"\b(?:reads|says|said|wrote|text|message|email|tweet|post|comment|quote|line|headline|subject"
        r"|title|answer|reply|chat|log)s?(?: \w+){0,3} ?:"
    ),
    re.compile(
        rf"\b(?:for|on behalf of) (?:my |a |the )?{_PERSON}\b|\b(?:his|her|their|your) (?:position"
        rf"|positions|call|put|trade|option|options|~asset|~call|~put|btc|eth|portfolio)"
    ),
    re.compile(
        r"^(?:bob|alice|john|mike|dave|anna|tom|maria|my \w+|the \w+|a \w+|some \w+|one \w+) (?:wants|says"
        r"|said|thinks|sold|bought|is|was|has|would|should|will|told|approves|recommends|keeps)\b"
    ),
)
_ONLY_ASK = re.compile(
    r"^(?:(?:please|hi|hey|hello|ok|okay|so|well|now|yes|alpha|beta|gamma|bethna|and|then|great"
    r"|alright|kindly|actually|maybe|also|good)\b[ ,!.]*)*(?:can|could|will|bisa(?:kah)?"
    r"|boleh|would(?=.*\b(?:please|kindly|for me|mind)\b)) (?:you|u|we please|kamu|tolong"
    r"|lu)(?: (?:please|kindly|just|now|also|then|maybe"
    r"|go_ahead and|tolong))* (?!tell|explain|think|say|show|recommend|suggest|advise|sell if"
    r"|mind telling|ever|have|be |also tell|really)|\b(?:can|could|may) i (?:please )?(?:get|have|buy"
    r"|order)\b.*\bplease\b|\bwould you mind\b|\bi (?:was"
    r"|am) wondering if you could\b"
)
_QUESTION_WORD = (
    r"(?:what(?!_if)|what_if|which|why(?! not[ ,!.]*(?:do|go|buy|let|yes|sure|ok|sell))|how"
    r"|when(?! (?:it|my|the|i am|up|down)\b)|where|who|whose|whom|is|are|am|was|were|does|did|has"
    r"|have (?:you|i|we|they|my|the)|had"
    r"|do (?:i|you|we|they|people|calls|puts|options)|should|shall (?:i|we)|can (?:i|we|my|the"
    r"|it|one|someone)|could (?:i|we|it|my|the|one)|would (?:i|it|this|that|the|selling|closing|buying"
    r"|approving|a|you (?:sell|buy|close|approve|recommend|say|hold|keep|advise|take|do))|will (?:it|i"
    r"|the|my|that|this|gamma|beta|bethna|they)|may i|might i|must i|need i"
    r"|apa|apakah|kenapa|mengapa|knp|bagaimana|gimana|haruskah|bolehkah|bisakah saya|kapan|siapa"
    r"|berapa|kok|sebaiknya|perlukah|mending)"
)
_QUESTION = (
    re.compile(
        rf"^(?:(?:so|and|but|ok|okay|hey|hi|hello|well|hmm+|um+|uh+|wait|now|also|then|alpha|beta|gamma"
        rf"|bethna|please|quick question|question|just curious|curious|sorry|actually|btw"
        rf"|by the way)\b[ ,.:!-]*)*{_QUESTION_WORD}\b"
    ),
    re.compile(rf"[.,;:!] *(?:and |but |so |or )?{_QUESTION_WORD}\b.*\?"),
    re.compile(r"\?\W*$"),
    re.compile(
        r"\b(?:should i|shall i|whether|wonder\w*|do you think|do you reckon|is it (?:wise|smart|better"
        r"|time|ok|okay|good|safe|possible|worth)|would it be|not sure|unsure|how (?:do"
        r"|to|can|does|would|much)|what (?:happens|does|would|if)|curious|explain|tell me (?:if|about|how"
        r"|why|what|when|whether)|advise|what it (?:means|costs)|meaning of|means|thoughts on|opinion"
        r"|advice|question|understand|learn|apakah|sebaiknya|gimana|bagaimana|cara|difference"
        r"|pros and cons|or (?:hold|wait|keep|not|sell|reject|put|call|skip))\b"
    ),
)
_CONDITION = re.compile(
    r"\b(?:if(?! (?:you (?:can|could|would|please|do not mind|like|want|will|may|have time)|possible"
    r"|that is (?:ok|okay|fine|possible)|i may|not too much|poss))|when|once|whenever|as soon as"
    r"|in case|unless|(?:until|till)(?! ~days)|should (?:it|my|the|~asset)|provided|assuming|as long as|after it"
    r"|before expiry|before it|on condition|kalau|kalo|jika|bila|apabila|saat|ketika|begitu|seandainya"
    r"|asal|later|tomorrow|tonight|next week|at ~pct|automatically|otomatis)\b"
)
_HEDGED = re.compile(
    r"\b(?:thinking (?:of|about)|think about|considering|consider|might|maybe|perhaps|possibly|tempted"
    r"|(?:could|would|may) be a|planning|plan to|about to ask|may (?:sell|buy|close)|not decided|undecided"
    r"|wanted to (?:ask"
    r"|know)|used to|was going to|almost|nearly|would have|should have|could have|wish i had"
    r"|(?<!one )(?<!~call )(?<!~put )(?<!position )(?<!option )(?<!trade )i (?:just |already |have |had )?(?:sold"
    r"|bought|closed|approved|purchased|exited)|regret|imagine"
    r"|hypothetical\w*|suppose|supposing|joke|joking|kidding|just testing|test|example|e\.g\."
    r"|for instance|mungkin|kayaknya mau|rencana|someday|one day|eventually|sarcasm|/s)\b"
)


def judge(folded: str, marked: str, foreign: Sequence[str]) -> Judgement:
    """Say what stands against a money intent.

    folded: the whole line; marked: the same with its values marked; foreign: its words that no order is made of.
    """
    return Judgement(_doubt(folded, marked), without_words(marked), unexpected_in(marked, len(foreign)))


def _doubt(folded: str, marked: str) -> Doubt | None:
    if any(pattern.search(folded) for pattern in _INJECTED):
        return Doubt.INJECTED
    if re.search(r"~addr\b|~url\b", marked) or len(folded.split()) > MOST_WORDS:
        return Doubt.PLACE
    if any(pattern.search(marked) for pattern in _QUESTION) and not _ONLY_ASK.search(marked):
        return Doubt.QUESTION
    if is_quoted(marked):
        return Doubt.QUOTED
    if any(pattern.search(marked) for pattern in _REPORTED):
        return Doubt.REPORTED
    if is_denied(marked):
        return Doubt.DENIED
    if _HEDGED.search(marked):
        return Doubt.HEDGED
    if is_idiom(marked):
        return Doubt.FIGURE
    return Doubt.CONDITION if _CONDITION.search(marked) else None
