"""Settings: who wins, what is refused, what is never shown."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.domain.errors import BethnaError, ConfigurationError, UsageError
from bethna_cli.settings import SECRET_KEYS, Settings, check_value, folders, load_settings, unknown_variables, variable
from bethna_cli.settings_files import read_values, replace_file, write_keyring, write_value

TOKEN = "AAAA-very-secret-token"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    return place


def env_of(home: Path, **variables: str) -> dict[str, str]:
    return {"BETHNA_HOME": str(home), **{variable(key): value for key, value in variables.items()}}


def configure(home: Path, text: str, name: str = "config.toml", mode: int = 0o600) -> Path:
    path = home / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(home):
    configure(home, "seed = 2\nview_odds = 2\nsource_timeout_s = 2\n")
    env = env_of(home, seed="3", view_odds="4")

    settings = load_settings({"seed": "5"}, env)

    assert (settings.seed, settings.origin("seed")) == (5, "flag")
    assert (settings.view_odds, settings.origin("view_odds")) == (4, "environment")
    assert (settings.source_timeout_s, settings.origin("source_timeout_s")) == (2, "config.toml")
    assert (settings.target_delta, settings.origin("target_delta")) == (0.30, "default")


def test_a_flag_that_was_not_given_does_not_hide_the_environment(home):
    assert load_settings({"seed": None}, env_of(home, seed="3")).seed == 3


def test_an_empty_variable_counts_as_not_set(home):
    assert load_settings({}, env_of(home, market_url="")).market_url is None


def test_one_variable_moves_every_folder(home):
    places = folders(env_of(home))

    assert all(place.is_relative_to(home) for place in (places.config, places.data, places.secrets_file))


def test_the_default_network_is_the_embedded_one_and_no_source_is_set(home):
    settings = load_settings({}, env_of(home))

    assert settings.network == "sim"
    assert [settings.source_url(name) for name in ("pyth", "dydx", "thetanuts", "x", "fng")] == [None] * 5


def test_one_market_url_serves_all_sources_and_a_sources_own_url_beats_it(home):
    env = env_of(home, market_url="http://127.0.0.1:8000/", dydx_url="https://dydx.example")

    settings = load_settings({}, env)

    assert settings.source_url("pyth") == "http://127.0.0.1:8000/hermes"
    assert settings.source_url("thetanuts") == "http://127.0.0.1:8000/thetanuts"
    assert settings.source_url("dydx") == "https://dydx.example"


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "ftp://localhost/", "https://user:pw@x.io", "https:///x", "x", "https://x.io#a"]
)
def test_a_source_over_plain_http_elsewhere_or_with_a_password_in_it_is_refused(home, url):
    with pytest.raises(ConfigurationError, match="BETHNA_DYDX_URL"):
        load_settings({}, env_of(home, dydx_url=url))


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1", "https://x.io/a"])
def test_https_and_this_machine_are_accepted(home, url):
    assert load_settings({}, env_of(home, dydx_url=url)).dydx_url == url


@pytest.mark.parametrize("budget", ["0", "-5", "abc", "nan", "inf", "1e400", "1e2", "0.0000001", "", " ", "٣", "1_000"])
def test_a_budget_that_is_not_a_positive_amount_is_refused_in_one_line(home, budget):
    with pytest.raises(UsageError, match="--budget") as refusal:
        load_settings({"budget_usdc": budget}, env_of(home))

    assert "\n" not in str(refusal.value)


@given(st.decimals(min_value="0.000001", max_value="999999999", places=6))
def test_any_positive_amount_of_usdc_is_a_budget_to_the_last_unit(amount):
    settings = load_settings({"budget_usdc": f"{amount:f}"}, {"BETHNA_HOME": "/nonexistent"})

    assert Decimal(settings.budget) == amount * 1_000_000


@pytest.mark.parametrize("span", ["0d", "0.0h", "7", "d", "-7d", "7 d", "9999w", "367d", "1y", "nand"])
def test_an_expiry_without_a_unit_or_out_of_range_is_refused(home, span):
    with pytest.raises(UsageError, match="--expiry"):
        load_settings({"expiry": span}, env_of(home))


@pytest.mark.parametrize(("span", "days"), [("7d", 7), ("2w", 14), ("36h", 1.5), ("1.5D", 1.5)])
def test_an_expiry_is_a_number_with_hours_days_or_weeks(home, span, days):
    assert load_settings({"expiry": span}, env_of(home)).expiry_days == days


@pytest.mark.parametrize(
    "at",
    [
        "1777995000",
        "2026-05-05",
        "2026-05-05T15:30",
        "yesterday",
        "2026-13-05T15:30Z",
        "0001-01-01T00:00Z",
        "1999-12-31T23:59Z",
        "2099-01-01T00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_time_needs_a_date_a_clock_and_a_zone(home, at):
    with pytest.raises(UsageError, match="--at"):
        load_settings({"at": at}, env_of(home))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "-1"),
        ("seed", "1.5"),
        ("speed", "0"),
        ("speed", "nan"),
        ("view_odds", "0.5"),
        ("view_odds", "inf"),
        ("target_delta", "0"),
        ("target_delta", "1"),
        ("source_timeout_s", "61"),
        ("network", "mainnet"),
    ],
)
def test_values_out_of_bounds_are_refused_with_the_variable_that_holds_them(home, key, value):
    with pytest.raises(ConfigurationError, match=variable(key)):
        load_settings({}, env_of(home, **{key: value}))


def test_an_unknown_key_in_the_file_is_refused_with_the_nearest_known_one(home):
    configure(home, "budget_usd = 5\n")

    with pytest.raises(ConfigurationError, match="Did you mean 'budget_usdc'"):
        load_settings({}, env_of(home))


@pytest.mark.parametrize(
    "text", ["seed = 1\nseed = 2\n", "seed = \n", "[seed]\nx = 1\n", "seed = nan\n", "seed = '''\n", "\x00"]
)
def test_a_file_with_a_key_twice_or_with_nonsense_is_refused(home, text):
    configure(home, text)

    with pytest.raises(ConfigurationError):
        load_settings({}, env_of(home))


def test_a_file_that_is_not_text_is_refused(home):
    (home / "config.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings({}, env_of(home))


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o644, 0o700), (0o640, 0o700), (0o604, 0o700), (0o600, 0o755)])
@pytest.mark.parametrize("name", ["secrets.toml", "config.toml"])
def test_a_secret_that_others_could_read_stops_bethna_with_the_line_that_repairs_it(home, name, file_mode, folder_mode):
    configure(home, f'x_bearer_token = "{TOKEN}"\n', name, file_mode)
    home.chmod(folder_mode)

    with pytest.raises(ConfigurationError) as refusal:
        load_settings({}, env_of(home))

    assert refusal.value.hint is not None
    assert refusal.value.hint.startswith("chmod ")
    assert TOKEN not in str(refusal.value)


def test_a_file_without_secrets_may_be_readable(home):
    configure(home, "seed = 4\n", mode=0o644)

    assert load_settings({}, env_of(home)).seed == 4


def test_only_secrets_belong_in_the_secrets_file(home):
    configure(home, "seed = 4\n", "secrets.toml")

    with pytest.raises(ConfigurationError, match=r"secrets\.toml"):
        load_settings({}, env_of(home))


@pytest.mark.parametrize("key", sorted(SECRET_KEYS))
def test_a_secret_is_in_no_text_that_settings_write(home, key):
    secret = f"https://rpc.example/{TOKEN}"

    settings = load_settings({}, env_of(home, **{key: secret}))

    assert getattr(settings, key).get_secret_value() == secret
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize("key", sorted(SECRET_KEYS))
def test_a_secret_that_is_refused_is_not_quoted(home, key):
    with pytest.raises(BethnaError) as refusal:
        load_settings({}, env_of(home, **{key: f"http://{TOKEN} \x1b"}))

    chain = [refusal.value, refusal.value.__cause__, refusal.value.__context__]
    assert all(TOKEN not in f"{error} {error!r}" for error in chain)


def test_a_misspelt_variable_is_found(home):
    assert unknown_variables({**env_of(home, seed="1"), "BETHNA_SEDE": "1", "PATH": ""}) == ["BETHNA_SEDE"]


def test_a_written_value_is_read_back_and_other_lines_stay(home):
    path = configure(home, "# mine\nseed = 4\nspeed = 2\n")

    write_value(path, "seed", "9")
    write_value(path, "expiry", "36h")
    write_value(path, "speed", None)

    settings = load_settings({}, env_of(home))
    assert (settings.seed, settings.expiry_days, settings.speed) == (9, 1.5, 1.0)
    assert path.read_text().startswith("# mine\n")


def test_written_files_are_for_the_owner_alone(tmp_path):
    home = tmp_path / "home"
    path = home / "new" / "secrets.toml"

    write_value(path, "x_bearer_token", TOKEN)

    assert [place.stat().st_mode & 0o777 for place in (path, path.parent, home)] == [0o600, 0o700, 0o700]


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_whatever_text_is_written_is_the_text_that_is_read(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("config") / "config.toml"

    write_value(path, "pyth_url", text)

    assert str(read_values(path, frozenset({"pyth_url"}), frozenset())["pyth_url"]) == text


def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere/model\.bin cannot be written"):
        replace_file(tmp_path / "nowhere" / "model.bin", b"")


def test_a_value_is_checked_before_it_is_written():
    with pytest.raises(UsageError, match="seed"):
        check_value("seed", "many")
    with pytest.raises(ConfigurationError, match="Did you mean 'seed'"):
        check_value("sede", "1")


def test_every_setting_says_what_it_is():
    assert all(field.description for field in Settings.model_fields.values())


@pytest.fixture
def ring(monkeypatch):
    """A keyring in memory, as an installed backend would be."""
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    class InMemory(KeyringBackend):
        priority = 1

        def __init__(self) -> None:
            self.kept: dict[tuple[str, str], str] = {}

        def get_password(self, service, username):
            return self.kept.get((service, username))

        def set_password(self, service, username, password):
            self.kept[service, username] = password

        def delete_password(self, service, username):
            del self.kept[service, username]

    before = keyring.get_keyring()
    backend = InMemory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_the_keyring_is_asked_only_when_it_is_switched_on_and_only_for_what_is_missing(home, ring):
    write_keyring("x_bearer_token", TOKEN)
    write_keyring("pyth_api_key", "from-the-ring")
    env = env_of(home, pyth_api_key="from-the-environment")

    off, on = load_settings({}, env), load_settings({}, {**env, "BETHNA_KEYRING": "true"})

    assert off.x_bearer_token is None
    assert on.x_bearer_token.get_secret_value() == TOKEN
    assert (on.origin("x_bearer_token"), on.origin("pyth_api_key")) == ("keyring", "environment")
    assert on.pyth_api_key.get_secret_value() == "from-the-environment"


def test_a_secret_taken_out_of_the_keyring_is_gone(home, ring):
    write_keyring("x_bearer_token", TOKEN)
    write_keyring("x_bearer_token", None)
    write_keyring("x_bearer_token", None)

    assert load_settings({}, env_of(home, keyring="true")).x_bearer_token is None


def test_a_keyring_that_is_not_there_is_a_matter_of_configuration(home):
    keyring = pytest.importorskip("keyring")
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(ConfigurationError, match="keyring cannot be used"):
            load_settings({}, env_of(home, keyring="true"))
    finally:
        keyring.set_keyring(before)


# ── the chain ─────────────────────────────────────────────────────────────────────────────────────────────────────

TRADER = "0x" + "ab" * 20
CODE_HASH = "0x" + "cd" * 32


def test_several_rpc_endpoints_are_asked_in_the_order_they_are_set(home):
    settings = load_settings({}, env_of(home, rpc_url="https://one.example/key  http://127.0.0.1:8545"))

    assert settings.rpc_urls == ("https://one.example/key", "http://127.0.0.1:8545")
    assert "one.example" not in repr(settings)


@pytest.mark.parametrize(
    "urls",
    [
        "http://one.example",
        "https://one.example http://two.example",
        "https://one.example https://one.example",
        " ".join(f"https://{n}.example" for n in range(5)),
    ],
)
def test_endpoints_that_are_unsafe_doubled_or_too_many_are_refused(home, urls):
    with pytest.raises(ConfigurationError, match="hidden"):
        load_settings({}, env_of(home, rpc_url=urls))


def test_each_network_has_a_contract_of_its_own(home):
    configure(home, f'trader_sim = "{TRADER}@{CODE_HASH}"\n')

    assert load_settings({}, env_of(home)).trader_pin == (TRADER, CODE_HASH)
    assert load_settings({"network": "base"}, env_of(home)).trader_pin is None


def test_a_pin_without_its_code_hash_is_refused(home):
    configure(home, f'trader_sim = "{TRADER}"\n')

    with pytest.raises(ConfigurationError, match="address and a code hash"):
        load_settings({}, env_of(home))


def test_no_variable_and_no_config_set_takes_the_place_of_a_confirmation(home):
    pin = f"{TRADER}@{CODE_HASH}"

    with pytest.raises(ConfigurationError, match="confirmed at a terminal"):
        load_settings({}, env_of(home, trader_base=pin))
    with pytest.raises(UsageError, match="confirmed at a terminal"):
        check_value("trader_base", pin)
