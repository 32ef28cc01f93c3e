"""What must not be kept or passed on is taken out of a text, whoever typed it."""

import pytest

from bethna_cli.domain.redaction import holds_key, holds_secret, redacted

KEY = "4f" * 32
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"
SECRETS = {
    "a private key": f"0x{KEY}",
    "a bare private key": KEY,
    "a seed phrase": PHRASE,
    "a long seed phrase": f"{PHRASE} {PHRASE}",
    "a seed phrase with commas": PHRASE.replace(" ", ", "),
    "an address": "0x" + "ab" * 20,
    "an endpoint with a key": "https://eth-mainnet.g.alchemy.com/v2/abcdefghijklmnop",
    "an endpoint with a password": "https://me:hunter2@node.example.com",
    "a websocket endpoint": "wss://mainnet.infura.io/ws/v3/0123456789abcdef",
    "an OpenAI key": "sk-proj-abcdefghijklmnop1234",
    "a bearer token": "Bearer abcdef123456",
    "a web token": TOKEN,
    "a cloud key": "AKIAIOSFODNN7EXAMPLE",
    "a long random word": "x7Gq2LmP9vRt4KcZ8bNw1HsD6fJy3TaE",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("around", ["{}", "use {} please", "({})", "key={}\nnext", "“{}”"])
def test_a_secret_is_taken_out_wherever_it_stands(around, secret):
    text = around.format(secret)

    assert secret not in redacted(text)
    assert holds_secret(text)


@pytest.mark.parametrize(
    "text", ["my password is hunter2 ok", "password: correct horse", "kata sandi adalah rahasia", "api key = abc"]
)
def test_what_is_announced_as_a_password_is_taken_out(text):
    assert not {"hunter2", "horse", "rahasia", "abc"} & set(redacted(text).split())
    assert holds_key(text)


def test_a_secret_of_the_settings_is_taken_out_by_its_value():
    assert redacted("say swordfish to it", ["swordfish"]) == "say [secret] to it"


@pytest.mark.parametrize(
    "text",
    [
        "I'm bullish on ETH, what should I do with 100 usdc in the next two weeks?",
        "buy the 3200 ETH call, 7 days, 100 usdc",
        "the token is up 5 %, should i sell my position 3fa2bc11 now",
        "what happens to my calls if eth drops 10% and volatility goes up at the same time",
        "bethna buy eth-call-spread --strike 3100/3300 --expiry 2026-12-04T08:00Z --amount 100",
    ],
)
def test_ordinary_words_stand(text):
    assert redacted(text) == text


def test_an_address_is_no_key_that_was_given_away():
    assert not holds_key("send it to 0x" + "ab" * 20)
