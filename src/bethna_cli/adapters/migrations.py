"""The store's schema, as numbered steps; each runs once, in a transaction of its own.

A step is never edited after a release: a change is a new step at the end.
"""

import sqlite3
from collections.abc import Callable

from bethna_cli.domain.errors import ConfigurationError

Step = Callable[[sqlite3.Connection], None]


def _first_tables(db: sqlite3.Connection) -> None:
    db.execute(
        """create table snapshots (
            id integer primary key, asset text not null, taken_at text not null, origin text not null,
            document text not null check (json_valid(document)))"""
    )
    db.execute("create index snapshots_by_time on snapshots (asset, taken_at)")
    db.execute(
        """create table recommendations (
            id text primary key, created_at text not null, asset text not null, signal text not null,
            document text not null check (json_valid(document))) without rowid"""
    )
    db.execute("create index recommendations_by_time on recommendations (created_at)")


def _journal(db: sqlite3.Connection) -> None:
    states = "'DRAFT','APPROVED','TX_SIGNED','BROADCAST','MINED','SAFE','FINAL','REVERTED','CANCELLED','DEAD'"
    db.execute(
        f"""create table trades (
            digest text primary key, plan_id text not null, purpose text not null, user text not null,
            state text not null check (state in ({states})), version integer not null, first_block integer not null,
            handed_out integer not null, sent_at_s integer, trade text not null check (json_valid(trade)),
            fill text check (fill is null or json_valid(fill)), fill_key text unique) without rowid"""
    )
    db.execute(
        """create table transactions (
            hash text primary key, digest text not null references trades, account_nonce integer not null,
            place integer not null, raw blob not null, is_current integer not null) without rowid"""
    )
    db.execute("create index transactions_by_trade on transactions (digest, place)")
    db.execute(
        """create table trade_moves (
            id integer primary key, digest text not null references trades, version integer not null,
            state text not null, at text not null, fill text, unique (digest, version))"""
    )
    db.execute("create table halts (id integer primary key, at text not null, reason text not null, ended_at text)")
    db.execute(
        "create table sending (account text primary key, token integer not null, pid integer not null) without rowid"
    )


def _decisions(db: sqlite3.Connection) -> None:
    db.execute(
        """create table decisions (
            id integer primary key, recommendation_id text not null, at text not null,
            answer text not null check (answer in ('APPROVED', 'REJECTED')), plan_id text, reason text)"""
    )


def _errands(db: sqlite3.Connection) -> None:
    db.execute(
        """create table errands (
            hash text primary key, account text not null, purpose text not null, account_nonce integer not null,
            raw blob not null, at text not null, ended_at text) without rowid"""
    )


def _alerts(db: sqlite3.Connection) -> None:
    db.execute(
        """create table alerts (
            sequence integer primary key autoincrement, id text not null unique, cause text not null,
            level text not null check (level in ('INFO', 'WARNING', 'CRITICAL')), kind text not null,
            title text not null, text text not null, position text, at text not null, acked_at text)"""
    )
    db.execute(
        """create table channels (
            name text primary key, reached integer not null, failures integer not null default 0, next_try_at text,
            error text, leased_until text) without rowid"""
    )
    db.execute(
        """create table deliveries (
            channel text not null references channels, sequence integer not null references alerts,
            state text not null check (state in ('PENDING', 'SENT', 'MERGED', 'REFUSED')), at text not null,
            refusals integer not null default 0, primary key (channel, sequence)) without rowid"""
    )
    db.execute("create index deliveries_pending on deliveries (channel, sequence) where state = 'PENDING'")


def _positions(db: sqlite3.Connection) -> None:
    kinds = "'BOUGHT','SOLD','RECEIVED','SENT','REDEEMED'"
    states = "'OPEN','CLOSED','SETTLED','EXTERNAL','UNCONFIRMED'"
    db.execute(
        """create table option_terms (
            token text primary key, asset text not null, kind text not null, strikes text not null,
            expires_s integer not null, ticker text not null) without rowid"""
    )
    db.execute(
        f"""create table chain_events (
            chain_id integer not null, block_number integer not null, log_index integer not null, account blob not null,
            kind text not null check (kind in ({kinds})), venue blob not null, token blob not null, contracts not null,
            usdc not null, transaction_hash blob not null, ordinal integer not null, block_hash blob not null,
            time_s integer not null, primary key (chain_id, block_number, log_index, account)) without rowid"""
    )
    # Names each event, and finds those of a token: one index is written for every event, not two.
    db.execute(
        "create unique index chain_events_by_name on chain_events (account, token, transaction_hash, kind, ordinal)"
    )
    db.execute(
        """create table chain_reach (
            chain_id integer not null, account text not null, venues text not null check (json_valid(venues)),
            first_block integer not null, number integer not null, hash text not null, safe integer not null,
            final integer not null, at text not null, primary key (chain_id, account)) without rowid"""
    )
    db.execute(
        """create table chain_checkpoints (
            chain_id integer not null, account text not null, number integer not null, hash text not null,
            primary key (chain_id, account, number)) without rowid"""
    )
    db.execute(
        f"""create table positions (
            chain_id integer not null, transaction_hash text not null, ordinal integer not null, account text not null,
            venue text not null, token text not null references option_terms, contracts integer not null,
            cost integer not null check (cost >= 0), opened_s integer not null, block_number integer not null,
            block_hash text not null, contracts_left integer not null, proceeds integer not null, closed_s integer,
            exits text not null check (json_valid(exits)), state text not null check (state in ({states})),
            missing_since integer, check (contracts_left between 0 and contracts),
            primary key (chain_id, transaction_hash, ordinal)) without rowid"""
    )
    db.execute("create index positions_by_token on positions (account, token)")


def _mandates(db: sqlite3.Connection) -> None:
    states = "'WAITING','OPEN','USED','CANCELLED','EXPIRED'"
    db.execute(
        f"""create table mandates (
            number integer primary key, digest text not null unique, user text not null, token text not null,
            nonce text not null, kind text not null check (kind in ('stop-loss', 'take-profit')),
            trade text not null check (json_valid(trade)), signature blob not null, purchase text,
            signed_at text not null, state text not null check (state in ({states})), ended_at text)"""
    )
    db.execute("create index mandates_by_token on mandates (user, token)")
    db.execute("create index mandates_by_purchase on mandates (purchase)")


def _errands_of_trades(db: sqlite3.Connection) -> None:
    db.execute("alter table errands add column after_trade text references trades")


def _guarding(db: sqlite3.Connection) -> None:
    db.execute(
        """create table exit_rules (
            position text primary key, document text not null check (json_valid(document)), at text not null)
            without rowid"""
    )
    db.execute(
        """create table guard_states (
            position text primary key, breach_rule text, breach_since text, entry_iv real check (entry_iv > 0),
            protection text not null check (protection in ('PROTECTED', 'UNPROTECTED')), reason text not null,
            selling_since text, attempts integer not null, next_try_at text) without rowid"""
    )
    db.execute(
        """create table exit_decisions (
            id integer primary key, position text not null, at text not null, verdict text not null, rule text,
            words text not null, facts text not null check (json_valid(facts)))"""
    )
    db.execute("create index exit_decisions_by_position on exit_decisions (position, id)")
    db.execute(
        "create table mark_layouts (key text primary key, document text not null check (json_valid(document)))"
        " without rowid"
    )
    db.execute(
        """create table marks (
            id integer primary key, at text not null, layout text not null references mark_layouts,
            spots text not null check (json_valid(spots)), position_values blob not null, options blob not null)"""
    )
    db.execute("create index marks_by_time on marks (at)")
    db.execute(
        """create table watcher (
            one integer primary key check (one = 1), token integer not null, pid integer not null,
            started_at text not null, beat_at text not null, interval_s real not null, ticks integer not null,
            trouble text)"""
    )


def _dearer_forms(db: sqlite3.Connection) -> None:
    db.execute("alter table trades add column dearest_at_s integer")


def _policies(db: sqlite3.Connection) -> None:
    db.execute(
        """create table policies (
            number integer primary key, digest text not null unique, user text not null, chain_id integer not null,
            document text not null check (json_valid(document)), set_at text not null, ended_at text)"""
    )
    db.execute("create index policies_in_use on policies (user, chain_id) where ended_at is null")


def lean_events(db: sqlite3.Connection) -> None:
    """Write addresses once and kinds as numbers: a row of the longest table takes half the bytes and a third the time.

    The kinds are numbered in the order of the old constraint.
    """
    db.execute(
        """create table chain_addresses (
            id integer primary key, chain_id integer not null, address blob not null, unique (chain_id, address))"""
    )
    db.execute("alter table chain_events rename to chain_events_before")
    db.execute("drop index chain_events_by_name")
    # The three addresses are ids of chain_addresses, undeclared: a reference would be looked up for each of many rows.
    db.execute(
        """create table chain_events (
            block_number integer not null, log_index integer not null, account integer not null,
            kind integer not null check (kind between 1 and 5), venue integer not null, token integer not null,
            contracts not null, usdc not null, transaction_hash blob not null, ordinal integer not null,
            block_hash blob not null, time_s integer not null, primary key (block_number, log_index, account))
            without rowid"""
    )
    # Names each event, and finds those of a token: one index is written for every event, not two.
    db.execute(
        "create unique index chain_events_by_name on chain_events (account, token, transaction_hash, kind, ordinal)"
    )
    for column in ("account", "venue", "token"):
        distinct = f"select distinct chain_id, {column} from chain_events_before"  # noqa: S608
        db.execute(f"insert or ignore into chain_addresses (chain_id, address) {distinct}")
    found = "(select id from chain_addresses a where a.chain_id = e.chain_id and a.address = e.{})"
    db.execute(
        f"""insert into chain_events select block_number, log_index, {found.format("account")},
            (instr('BOUGHT   SOLD     RECEIVED SENT     REDEEMED', kind) + 8) / 9, {found.format("venue")},
            {found.format("token")}, contracts, usdc, transaction_hash, ordinal, block_hash, time_s
            from chain_events_before e"""  # noqa: S608
    )
    db.execute("drop table chain_events_before")


def _watcher_of_each_account(db: sqlite3.Connection) -> None:
    """Let every account have its watcher. Tokens go on from the highest one: no earlier start may pass for a new one.

    The one row of before names no account, so it keeps an empty one: whose it was is not known.
    """
    db.execute(
        """create table watchers (
            account text primary key, token integer not null unique, pid integer not null, started_at text not null,
            beat_at text not null, interval_s real not null, ticks integer not null, trouble text) without rowid"""
    )
    db.execute(
        "insert into watchers select '', token, pid, started_at, beat_at, interval_s, ticks, trouble from watcher"
    )
    db.execute("drop table watcher")


def _mandates_of_positions(db: sqlite3.Connection) -> None:
    db.execute("alter table mandates add column position text")


def _blocks_once(db: sqlite3.Connection) -> None:
    """Write a block's hash and time once, not with each of its events."""
    db.execute("create table chain_blocks (id integer primary key, hash blob not null unique, time_s integer not null)")
    db.execute("insert or ignore into chain_blocks (hash, time_s) select block_hash, time_s from chain_events")
    db.execute("alter table chain_events rename to chain_events_before")
    db.execute("drop index chain_events_by_name")
    db.execute(
        """create table chain_events (
            block_number integer not null, log_index integer not null, account integer not null,
            kind integer not null check (kind between 1 and 5), venue integer not null, token integer not null,
            contracts not null, usdc not null, transaction_hash blob not null, ordinal integer not null,
            block integer not null, primary key (block_number, log_index, account)) without rowid"""
    )
    db.execute(
        "create unique index chain_events_by_name on chain_events (account, token, transaction_hash, kind, ordinal)"
    )
    db.execute(
        """insert into chain_events select block_number, log_index, account, kind, venue, token, contracts, usdc,
            transaction_hash, ordinal, (select id from chain_blocks where hash = block_hash)
            from chain_events_before"""
    )
    db.execute("drop table chain_events_before")


def _marks_of_options(db: sqlite3.Connection) -> None:
    """Keep no value of each position at each tick: it follows from its option's mark, which is kept.

    A layout names every position. It has a row number now, so that finding one does not read its megabytes.
    """
    db.execute("alter table marks rename to marks_before")
    db.execute("drop index marks_by_time")
    db.execute("alter table mark_layouts rename to mark_layouts_before")
    db.execute("create table mark_layouts (key text primary key, document text not null check (json_valid(document)))")
    db.execute("insert into mark_layouts select key, document from mark_layouts_before")
    db.execute(
        """create table marks (
            id integer primary key, at text not null, layout text not null references mark_layouts,
            spots text not null check (json_valid(spots)), options blob not null)"""
    )
    db.execute("create index marks_by_time on marks (at)")
    db.execute("insert into marks select id, at, layout, spots, options from marks_before")
    db.execute("drop table marks_before")
    db.execute("drop table mark_layouts_before")


def _gauges(db: sqlite3.Connection) -> None:
    """Keep what an account's positions add up to after each look, for as long as their marks."""
    db.execute(
        """create table gauges (
            id integer primary key, account text not null, at text not null,
            document text not null check (json_valid(document)))"""
    )
    db.execute("create index gauges_by_time on gauges (at)")


STEPS: tuple[Step, ...] = (
    _first_tables,
    _journal,
    _decisions,
    _errands,
    _alerts,
    _positions,
    _mandates,
    _errands_of_trades,
    _guarding,
    _dearer_forms,
    _policies,
    lean_events,
    _watcher_of_each_account,
    _mandates_of_positions,
    _blocks_once,
    _marks_of_options,
    _gauges,
)


def migrate(db: sqlite3.Connection) -> None:
    """Bring `db` (autocommit mode) to the newest schema. Raises ConfigurationError when it is newer than we are."""
    version = db.execute("pragma user_version").fetchone()[0]
    if version > len(STEPS):
        raise ConfigurationError(
            f"The store has schema {version}; this version of bethna knows {len(STEPS)}.", hint="pip install -U bethna"
        )
    for number in range(version, len(STEPS)):
        _apply(db, number)


def _apply(db: sqlite3.Connection, number: int) -> None:
    """Run step `number` unless another process has done so meanwhile."""
    db.execute("begin immediate")
    try:
        if db.execute("pragma user_version").fetchone()[0] == number:
            STEPS[number](db)
            db.execute(f"pragma user_version = {number + 1}")
        db.execute("commit")
    except BaseException:
        db.execute("rollback")
        raise
