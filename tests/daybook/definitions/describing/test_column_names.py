"""The purpose of a column from its name, in several languages."""

import pytest

from daybook.definitions.describing.column_names import changes_later, meaning_of

MODIFIED = (
    "updated_at modified last_update transaction_modified_date lastModifiedDate updatedat UPD_DT SystemModstamp mtime "
    "geaendert_am letzteÄnderung zuletzt_geändert aenderungsdatum mis_a_jour mise_à_jour date_maj modifié_le "
    "actualizado_en fecha_modificacion data_modifica aggiornato_il atualizado_em data_alteração laatst_gewijzigd_op "
    "bijgewerkt data_modyfikacji zmieniono gmt_modified koushin_nichiji 更新日時 修改时间 수정일 gengxin_shijian"
)
CREATED = (
    "created createdAt creation_date ts inserted_at occurred_at gmt_create erstellt_am angelegt_am créé_le fecha_alta "
    "creado_en data_creazione criado_em aangemaakt_op data_utworzenia touroku_bi 作成日時 创建时间 등록일 reg_dt"
)


@pytest.mark.parametrize("name", MODIFIED.split())
def test_names_of_the_last_change(name: str) -> None:
    meaning = meaning_of(name)
    assert meaning and (meaning.purpose, meaning.about) == ("modified", ())


@pytest.mark.parametrize("name", CREATED.split())
def test_names_of_the_first_write(name: str) -> None:
    meaning = meaning_of(name)
    assert meaning and (meaning.purpose, meaning.about) == ("created", ())


@pytest.mark.parametrize("name", ["birth_date", "order_date", "valid_from", "rental_date", "datum", "model_year"])
def test_names_that_say_nothing(name: str) -> None:
    assert meaning_of(name) is None


def test_the_words_that_narrow_a_name_are_told_apart_from_those_of_its_table() -> None:
    password, order = meaning_of("password_changed_at", "users"), meaning_of("order_changed_at", "orders")
    assert password and password.about == ("password",)
    assert order and order.about == ()


def test_columns_that_change_later() -> None:
    assert changes_later("status", False) and changes_later("orderState", False) and changes_later("paid_at", True)
    assert not changes_later("paid", False) and not changes_later("birthday", True)
