"""Models side by side: the one in use is the one that was put there, byte for byte, and there is always a way back."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bethna_cli.adapters.model_shelf import SHIPPED, ModelShelf
from bethna_cli.analysis import model_file
from bethna_cli.bootstrap.model import load_model, model_shelf
from bethna_cli.domain.errors import BethnaError, KeystoreRefused, ModelCorrupt, NotFound

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    return ModelShelf(tmp_path / "models")


def test_an_empty_shelf_means_the_shipped_model(shelf: ModelShelf) -> None:
    assert shelf.in_use() is None
    assert shelf.models() == []


def test_a_model_that_was_added_is_not_in_use_until_somebody_says_so(shelf: ModelShelf) -> None:
    added = shelf.add(b"model one", "one", AT)

    assert (added.is_in_use, shelf.in_use()) == (False, None)
    shelf.use("one")
    assert shelf.in_use() == (b"model one", hashlib.sha256(b"model one").hexdigest())
    assert [model.is_in_use for model in shelf.models()] == [True]


def test_the_same_bytes_are_kept_once(shelf: ModelShelf) -> None:
    assert shelf.add(b"model one", "one", AT) == shelf.add(b"model one", "again", AT)
    assert len(shelf.models()) == 1


def test_every_step_can_be_taken_back_down_to_the_shipped_model(shelf: ModelShelf) -> None:
    first, second = (shelf.add(name.encode(), name, AT).sha256 for name in ("one", "two"))
    for name in ("one", "two", SHIPPED, "two"):
        shelf.use(name)

    assert [shelf.rollback() for _ in range(4)] == ["", second, first, ""]
    with pytest.raises(NotFound, match="nothing before it"):
        shelf.rollback()


def test_a_model_is_found_by_the_beginning_of_its_hash(shelf: ModelShelf) -> None:
    kept = shelf.add(b"model one", "one", AT).sha256

    assert shelf.use(kept[:4]) == kept


@pytest.mark.parametrize("name", ["three", "", "abc", "one"])
def test_a_name_that_is_none_or_several_changes_nothing(shelf: ModelShelf, name: str) -> None:
    for content in (b"a", b"b"):
        shelf.add(content, "one", AT)

    with pytest.raises(NotFound):
        shelf.use(name)
    assert shelf.in_use() is None


@pytest.mark.parametrize("index", [b"{", b"[]", b'{"models": [], "used": [], "x": 1}', b'{"used": [3]}'])
def test_a_damaged_list_is_refused_with_a_way_out(shelf: ModelShelf, index: bytes, tmp_path: Path) -> None:
    shelf.add(b"model one", "one", AT)
    (tmp_path / "models" / "shelf.json").write_bytes(index)

    with pytest.raises(ModelCorrupt) as refused:
        shelf.in_use()
    assert str(refused.value.hint).startswith("mv ")


def test_a_model_that_is_gone_is_said_and_not_replaced_by_another(shelf: ModelShelf, tmp_path: Path) -> None:
    kept = shelf.add(b"model one", "one", AT).sha256
    shelf.use("one")
    (tmp_path / "models" / f"{kept}.bin").unlink()

    with pytest.raises(ModelCorrupt, match="no longer on the shelf"):
        shelf.in_use()


def test_a_model_on_the_shelf_that_was_exchanged_for_another_whole_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files are whole: only the hash that was noted when one was put there can tell."""
    monkeypatch.setenv("BETHNA_HOME", str(tmp_path))
    shipped = load_model()
    one, other = (
        model_file.serialise(replace(shipped, version=name, card={**shipped.card, "version": name}))
        for name in ("one", "two")
    )
    shelf = model_shelf()
    kept = shelf.add(one, "one", AT)
    shelf.use("one")
    assert load_model().version == "one"

    (tmp_path / "data" / "models" / f"{kept.sha256}.bin").write_bytes(other)

    with pytest.raises(ModelCorrupt):
        load_model()


def test_a_shelf_that_others_can_write_is_refused(shelf: ModelShelf, tmp_path: Path) -> None:
    shelf.add(b"model one", "one", AT)
    (tmp_path / "models").chmod(0o777)

    with pytest.raises(KeystoreRefused) as refused:
        shelf.in_use()
    assert isinstance(refused.value, BethnaError)
