"""Wallets on disk: who may read them, what a changed file does, what a wrong password costs."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from eth_account import Account

from bethna_cli.adapters.keys import CURVE_ORDER, address_of, new_key, parse_key
from bethna_cli.adapters.keystore import Derivation, WalletFolder
from bethna_cli.adapters.keystore_v3 import ScryptLimits, decrypt, encrypt
from bethna_cli.adapters.sim.public_keys import private_key
from bethna_cli.domain.chain import Address
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import ConfigurationError, KeystoreRefused, NotFound, UsageError, WrongPassword
from bethna_cli.domain.wallet import THROWAWAY, Password, PrivateKey, WalletKind, checked_password, parse_name

KEY = PrivateKey(bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"))
ADDRESS = Address("0x2c7536e3605d9c16a7a3d7b1898e529396a65c23")
OTHER = PrivateKey((7).to_bytes(32, "big"))
PASSWORD = Password("correct horse battery")
CHEAP = Derivation(cost=2**10, limits=ScryptLimits(least_cost=2**10))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Watch:
    return Watch()


@pytest.fixture
def folder(tmp_path: Path, clock: Watch) -> WalletFolder:
    return WalletFolder(tmp_path / "wallets", clock, CHEAP)


@pytest.fixture
def kept(folder: WalletFolder) -> WalletFolder:
    folder.keep("main", KEY, PASSWORD)
    return folder


def keystore_of(folder: WalletFolder) -> Path:
    return folder.path / f"{ADDRESS}.json"


def rewrite_index(folder: WalletFolder, **changes: object) -> None:
    """Change the first wallet's entry, as somebody who can write to the folder would."""
    path = folder.path / "index.json"
    index = json.loads(path.read_text())
    index["wallets"][0] |= {"failures": 0, "failed_at": None, **changes}
    path.write_text(json.dumps(index))


def put_keystore(folder: WalletFolder, content: bytes) -> None:
    """Replace the keystore and make the index expect the new one."""
    keystore_of(folder).write_bytes(content)
    rewrite_index(folder, sha256=sha256(content).hexdigest())


# ── keeping and opening ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_kept_key_opens_with_its_password_and_is_the_same_account(kept, clock):
    reopened = WalletFolder(kept.path, clock, CHEAP)

    assert reopened.unlock(ADDRESS, PASSWORD) == KEY
    assert address_of(KEY) == ADDRESS


def test_an_exported_keystore_is_what_other_wallets_read(kept, tmp_path):
    kept.export("main", tmp_path / "backup.json")

    exported = json.loads((tmp_path / "backup.json").read_text())
    assert bytes(Account.decrypt(exported, PASSWORD.text)) == KEY.octets
    assert stat.S_IMODE((tmp_path / "backup.json").stat().st_mode) == 0o600


def test_an_export_overwrites_nothing(kept, tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")

    with pytest.raises(UsageError, match="exists"):
        kept.export("main", tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_the_first_wallet_with_a_key_is_used_on_real_networks_and_the_throwaway_one_in_the_simulation(kept):
    kept.keep("second", OTHER, PASSWORD)

    assert [kept.in_use(network).name for network in ("base", "base-sepolia", "sim")] == ["main", "main", "throwaway"]


def test_another_wallet_can_be_chosen_for_one_network(kept):
    kept.keep("second", OTHER, PASSWORD)

    kept.use("second", "base")

    assert [kept.in_use(network).name for network in ("base", "base-sepolia")] == ["second", "main"]


def test_a_watched_address_has_no_key_to_open(folder):
    folder.watch("whale", ADDRESS)

    assert folder.wallet("whale", "base").kind is WalletKind.WATCH_ONLY
    with pytest.raises(ConfigurationError, match="watched only"):
        folder.unlock(ADDRESS, PASSWORD)


def test_a_name_and_an_address_are_given_once(kept):
    with pytest.raises(UsageError, match="already"):
        kept.keep("main", OTHER, PASSWORD)
    with pytest.raises(UsageError, match="already"):
        kept.watch("again", ADDRESS)
    assert [wallet.name for wallet in kept.wallets("base")] == ["main"]


def test_an_unknown_wallet_is_not_found(kept):
    with pytest.raises(NotFound):
        kept.wallet("mian", "base")


@pytest.mark.parametrize("name", ["", "Main", "a b", "../index", "throwaway", "x" * 33, "-x", "ma\x1b[31min", "é"])
def test_a_name_that_is_no_plain_word_is_refused(folder, name):
    with pytest.raises(UsageError, match="no name"):
        folder.keep(name, KEY, PASSWORD)
    assert folder.wallets("base") == ()


# ── the embedded world's keys ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", PUBLIC_ACCOUNTS)
def test_a_key_that_everybody_knows_is_neither_kept_nor_watched(folder, role):
    with pytest.raises(UsageError, match="everybody knows"):
        folder.keep("main", PrivateKey(private_key(role)), PASSWORD)
    with pytest.raises(UsageError, match="everybody knows"):
        folder.watch("main", Address(PUBLIC_ACCOUNTS[role]))


def test_the_throwaway_wallet_exists_in_the_simulation_alone(kept):
    assert kept.wallets("sim")[0] == THROWAWAY
    assert [THROWAWAY in kept.wallets(network) for network in ("base", "base-sepolia")] == [False, False]
    with pytest.raises(NotFound):
        kept.use("throwaway", "base")


# ── who may read ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_folder_and_files_are_private_whatever_the_umask_is(folder):
    before = os.umask(0)
    try:
        folder.keep("main", KEY, PASSWORD)
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert modes == {".lock": 0o600, "index.json": 0o600, f"{ADDRESS}.json": 0o600}


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o710, 0o777])
def test_a_folder_that_others_reach_is_refused(kept, mode):
    kept.path.chmod(mode)

    with pytest.raises(KeystoreRefused, match="not safe") as refusal:
        kept.unlock(ADDRESS, PASSWORD)
    assert refusal.value.hint == f"chmod 700 {kept.path}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o700])
@pytest.mark.parametrize("name", ["index.json", f"{ADDRESS}.json"])
def test_a_file_that_others_reach_is_refused(kept, name, mode):
    (kept.path / name).chmod(mode)

    with pytest.raises(KeystoreRefused, match="not safe"):
        kept.unlock(ADDRESS, PASSWORD)


@pytest.mark.parametrize("name", ["index.json", f"{ADDRESS}.json", ".lock"])
def test_a_link_in_place_of_a_file_is_refused(kept, tmp_path, name):
    (kept.path / name).rename(tmp_path / "elsewhere")
    (kept.path / name).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(KeystoreRefused, match="link"):
        kept.unlock(ADDRESS, PASSWORD)


def test_a_link_in_place_of_the_folder_is_refused(kept, tmp_path, clock):
    (tmp_path / "link").symlink_to(kept.path)

    with pytest.raises(KeystoreRefused, match="link"):
        WalletFolder(tmp_path / "link", clock, CHEAP).wallets("base")


def test_looking_at_no_wallets_makes_no_folder(folder):
    assert folder.wallets("base") == ()
    assert not folder.path.exists()


# ── changed files ─────────────────────────────────────────────────────────────────────────────────────────────────


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def require_refusals(folder: WalletFolder, places: range) -> None:
    """Change one byte after another; opening the wallet must be refused each time."""
    content = keystore_of(folder).read_bytes()
    for at in places:
        keystore_of(folder).write_bytes(flipped(content, at))
        with pytest.raises(KeystoreRefused, match="was changed"):
            folder.unlock(ADDRESS, PASSWORD)


def test_a_keystore_with_one_changed_byte_is_refused(kept):
    require_refusals(kept, range(0, keystore_of(kept).stat().st_size, 7))


@pytest.mark.slow
def test_a_keystore_with_any_one_changed_byte_is_refused(kept):
    require_refusals(kept, range(keystore_of(kept).stat().st_size))


def keys_after_changes(folder: WalletFolder, places: range) -> set[PrivateKey]:
    """Change one byte after another, and the index with it; return every key that came out."""
    content = keystore_of(folder).read_bytes()
    found = set()
    for at in places:
        put_keystore(folder, flipped(content, at))
        try:
            found.add(folder.unlock(ADDRESS, PASSWORD))
        except (KeystoreRefused, WrongPassword):
            continue
    return found


def test_whoever_changes_keystore_and_hash_gets_the_same_key_or_none(kept):
    assert keys_after_changes(kept, range(0, keystore_of(kept).stat().st_size, 11)) <= {KEY}


@pytest.mark.slow
def test_whoever_changes_any_byte_and_the_hash_gets_the_same_key_or_none(kept):
    assert keys_after_changes(kept, range(keystore_of(kept).stat().st_size)) == {KEY}


def test_a_changed_iv_gives_another_key_to_the_library_and_none_to_us(kept):
    document = json.loads(keystore_of(kept).read_text())
    document["crypto"]["cipherparams"]["iv"] = "00" * 16
    put_keystore(kept, json.dumps(document).encode())

    assert bytes(Account.decrypt(document, PASSWORD.text)) != KEY.octets
    with pytest.raises(KeystoreRefused, match="another address"):
        kept.unlock(ADDRESS, PASSWORD)


@pytest.mark.parametrize("field", ["ciphertext", "mac"])
def test_a_changed_ciphertext_or_mac_does_not_match(kept, field):
    document = json.loads(keystore_of(kept).read_text())
    document["crypto"][field] = "11" * 32
    put_keystore(kept, json.dumps(document).encode())

    with pytest.raises(WrongPassword, match="MAC mismatch"):
        kept.unlock(ADDRESS, PASSWORD)


def test_the_keystores_own_address_is_not_believed(kept):
    kept.keep("second", OTHER, PASSWORD)
    foreign = (kept.path / f"{address_of(OTHER)}.json").read_bytes()
    document = json.loads(foreign) | {"address": ADDRESS[2:]}
    put_keystore(kept, json.dumps(document).encode())

    with pytest.raises(KeystoreRefused, match="another address"):
        kept.unlock(ADDRESS, PASSWORD)


def test_an_index_that_names_another_address_opens_nothing(kept):
    stranger = "0x" + "ab" * 20
    keystore_of(kept).rename(kept.path / f"{stranger}.json")
    rewrite_index(kept, address=stranger)

    with pytest.raises(KeystoreRefused, match="another address"):
        kept.unlock(Address(stranger), PASSWORD)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"wallets": [], "wallets": []}', '{"wallets": [], "unknown": 1}', '{"wallets": [{"name": "x"}]}'],
)
def test_an_index_that_bethna_did_not_write_is_refused(kept, text):
    (kept.path / "index.json").write_text(text)

    with pytest.raises(KeystoreRefused, match=r"index\.json"):
        kept.wallets("base")


def test_an_index_that_names_a_wallet_twice_is_refused(kept):
    path = kept.path / "index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps({**index, "wallets": index["wallets"] * 2}))

    with pytest.raises(KeystoreRefused, match="twice"):
        kept.wallets("base")


def test_a_keystore_that_is_gone_is_said_to_be(kept):
    keystore_of(kept).unlink()

    with pytest.raises(KeystoreRefused, match="is gone"):
        kept.unlock(ADDRESS, PASSWORD)


# ── derivations ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"n": 2**16}, "too weak"),
        ({"n": 2}, "too weak"),
        ({"n": 2**17 + 1}, "power of two"),
        ({"n": 2**23}, "more than this machine"),
        ({"n": 2**30}, "more than this machine"),
        ({"n": 2**17, "r": 64}, "more than this machine"),
        ({"n": 2**18, "p": 64}, "more than this machine"),
        ({"n": 2**18, "r": 1}, "no keystore"),
        ({"n": 2**60}, "no keystore"),
        ({"n": "262144"}, "no keystore"),
        ({"n": 262144.0}, "no keystore"),
        ({"dklen": 16}, "no keystore"),
        ({"salt": ""}, "no keystore"),
        ({"c": 1}, "no keystore"),
    ],
)
def test_a_weak_or_absurd_derivation_is_refused_before_it_is_run(parameters, reason):
    document = json.loads(encrypt(KEY, PASSWORD, cost=2**10))
    document["crypto"]["kdfparams"] |= {"n": 2**18} | parameters

    with pytest.raises(KeystoreRefused, match=reason):
        decrypt(json.dumps(document).encode(), PASSWORD, ScryptLimits())


@pytest.mark.parametrize(
    "change", [{"kdf": "pbkdf2"}, {"cipher": "aes-128-cbc"}, {"ciphertext": "00" * 31}, {"mac": ""}, {"extra": 1}]
)
def test_another_format_than_ours_is_refused(change):
    document = json.loads(encrypt(KEY, PASSWORD, cost=2**10))
    document["crypto"] |= change

    with pytest.raises(KeystoreRefused):
        decrypt(json.dumps(document).encode(), PASSWORD, ScryptLimits(least_cost=2**10))


def test_what_a_new_wallet_costs_is_what_is_accepted():
    assert ScryptLimits().least_cost <= Derivation().cost
    assert Derivation().cost * 8 <= ScryptLimits().most_work


# ── wrong passwords ───────────────────────────────────────────────────────────────────────────────────────────────


def refusal_of(folder: WalletFolder, password: str) -> str:
    with pytest.raises(WrongPassword) as refusal:
        folder.unlock(ADDRESS, Password(password))
    return refusal.value.message


def test_a_wrong_password_says_nothing_about_the_right_one(kept):
    tries = ["", "x", PASSWORD.text[:-1], PASSWORD.text + "x", PASSWORD.text.upper(), "y" * 2000]

    said = set()
    for password in tries:
        said.add(refusal_of(kept, password))
        rewrite_index(kept)

    assert said == {"The password is wrong (MAC mismatch)."}
    assert WrongPassword.exit_code == 4


def test_after_three_wrong_passwords_each_next_try_waits_twice_as_long(kept, clock):
    for _ in range(3):
        refusal_of(kept, "wrong")

    assert "in 2 s" in refusal_of(kept, PASSWORD.text)
    clock.move(2)
    assert "MAC mismatch" in refusal_of(kept, "wrong")
    assert "in 4 s" in refusal_of(kept, PASSWORD.text)
    clock.move(4)
    assert kept.unlock(ADDRESS, PASSWORD) == KEY
    assert "MAC mismatch" in refusal_of(kept, "wrong")


def test_the_count_of_wrong_passwords_outlives_the_process(kept, clock):
    for _ in range(3):
        refusal_of(kept, "wrong")

    assert "the next try" in refusal_of(WalletFolder(kept.path, clock, CHEAP), PASSWORD.text)


def test_a_try_that_is_interrupted_has_been_a_try(kept, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bethna_cli.adapters.keystore.decrypt", interrupt)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            kept.unlock(ADDRESS, PASSWORD)

    assert "3 wrong passwords" in refusal_of(kept, PASSWORD.text)


def test_nobody_waits_longer_than_a_quarter_of_an_hour_even_when_the_clock_is_set_back(kept, clock):
    rewrite_index(kept, failures=50, failed_at="2027-11-23T12:00:00Z")

    assert "in 900 s" in refusal_of(kept, PASSWORD.text)


# ── what is typed ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_phrase_gives_the_account_that_every_wallet_gives():
    phrase = " ".join(["abandon"] * 11 + ["about"])

    assert address_of(parse_key(phrase)) == "0x9858effd232b4033e47d90003d41ec34ecaeda94"
    assert parse_key(f"  {phrase.upper()}\n") == parse_key(phrase)


def test_a_key_is_read_with_and_without_its_prefix():
    assert parse_key("0x" + KEY.octets.hex()) == parse_key(KEY.octets.hex().upper()) == KEY


@pytest.mark.parametrize(
    "secret",
    [
        "0x" + "00" * 32,
        f"{CURVE_ORDER:064x}",
        f"{2**256 - 1:064x}",
        KEY.octets.hex()[:-1],
        KEY.octets.hex() + "0",
        "zz" + KEY.octets.hex()[2:],
        " ".join(["abandon"] * 12),
        " ".join(["hunter"] * 11 + ["zwölf"]),
        " ".join(["legal"] * 11),
        "correct horse battery",
        "",
    ],
)
def test_what_is_no_key_is_refused_without_being_repeated(secret):
    with pytest.raises(UsageError) as refusal:
        parse_key(secret)

    told = [refusal.value, refusal.value.__cause__, refusal.value.__context__]
    assert not any(word in repr(error) for error in told for word in secret.split() if len(word) > 4)


def test_a_drawn_number_that_is_no_key_is_drawn_again():
    draws = iter([bytes(32), CURVE_ORDER.to_bytes(32, "big"), KEY.octets])

    assert new_key(lambda _: next(draws)) == KEY


@pytest.mark.parametrize("text", ["", "short", "x" * 1025, "tab\tis not printable"])
def test_a_poor_new_password_is_refused_without_being_repeated(text):
    with pytest.raises(UsageError) as refusal:
        checked_password(text)
    assert not text or text not in str(refusal.value)


def test_secrets_have_no_repr():
    shown = repr([PASSWORD, KEY, THROWAWAY])

    assert PASSWORD.text not in shown
    assert repr(KEY.octets) not in shown
    assert KEY.octets.hex() not in shown


@pytest.mark.parametrize("name", ["main", "a", "my-2nd_wallet", "0x"])
def test_a_plain_word_is_a_name(name):
    assert parse_name(name) == name
