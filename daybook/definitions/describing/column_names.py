"""Read the purpose of a column from its name: when a row was modified, created or deleted, in several languages.

A name is split into words at underscores, at capitals and at digits. Accents and the spelling of umlauts do not matter.
Names in Japanese, Korean and Chinese match in Latin letters (romaji, pinyin) and in their own script.
"""

import re
import unicodedata
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words for a change of a row.
MODIFIED = _words(
    # English, and SAP, Salesforce, Alibaba
    "modified modify modification mod modstamp updated update updates upd updt changed change chg altered edited edit "
    "amended revised touched mtime aedat laeda systemmodstamp lastmodified lastmod lastupdate lastupdated lastchanged "
    "lastchange moddate upddate chgdate "
    # German
    "geaendert geandert aenderung anderung aenderungsdatum anderungsdatum aktualisiert aktualisierung bearbeitet "
    "aenderungszeit aenderungszeitpunkt "
    # French
    "modifie modifiee maj miseajour actualise actualisee "
    # Spanish
    "actualizado actualizada actualizacion modificado modificada modificacion cambiado editado "
    # Italian
    "aggiornato aggiornata aggiornamento modificato modificata modifica variazione "
    # Portuguese
    "atualizado atualizada atualizacao alterado alterada alteracao modificacao "
    # Dutch
    "gewijzigd wijziging wijzigingsdatum bijgewerkt aangepast gemuteerd mutatie mutatiedatum "
    # Polish
    "zmodyfikowano zmodyfikowany zmodyfikowana modyfikacja modyfikacji zaktualizowano aktualizacja aktualizacji "
    "zmiana zmiany zmieniono "
    # Japanese, Korean, Chinese
    "koushin koshin kousin henkou henko sujeong sujung gaengsin gengxin xiugai biangeng"
)
#: Words for the moment at which a row was written first, or at which an event took place.
CREATED = _words(
    "created create creation crt inserted insert insertion added registered registration recorded logged occurred "
    "event ctime ts timestamp createdate creationdate insertdate erdat ersda "
    "erstellt erstellung erstellungsdatum erstelldatum angelegt anlage anlagedatum erfasst erfassung erfassungsdatum "
    "eingefuegt hinzugefuegt erzeugt "
    "cree creee ajoute ajoutee ajout insere inseree enregistre enregistrement "
    "creado creada creacion insertado insertada alta registrado registrada "
    "creato creata creazione inserito inserita inserimento "
    "criado criada criacao inserido inserida inclusao cadastro cadastrado "
    "aangemaakt aanmaak aanmaakdatum toegevoegd ingevoerd invoerdatum gecreeerd "
    "utworzono utworzony utworzona utworzenia utworzenie dodano dodania stworzono "
    "sakusei touroku toroku saengseong deungnok deungrok reg chuangjian xinzeng"
)
#: Names of two words or more that mean a change of a row.
_MODIFIED_PHRASES = ("mis a jour", "mise a jour")
#: Names in their own script: 更新 変更 修改 修正 수정 변경 갱신, and 作成 登録 创建 建立 생성 등록.
_MODIFIED_SIGNS = ("更新", "変更", "修改", "变更", "수정", "변경", "갱신")
_CREATED_SIGNS = ("作成", "登録", "创建", "新增", "생성", "등록")
#: Words that add nothing: last, date, time, at, on, row …
_NEUTRAL = _words(
    "last latest date time datetime timestamp stamp at on in ts dt dttm tm utc gmt row record rec entry data entity "
    "transaction sys system db meta when the of "
    "letzte letzter letztes letzten zuletzt am um datum zeit uhrzeit zeitpunkt der die das "
    "derniere dernier le la les de du des en a d heure "
    "ultima ultimo fecha hora el il lo di del della dell da do em o "
    "laatst laatste laatstelijk op tijd tijdstip van "
    "ostatnia ostatnio ostatniej czas dnia dzien "
    "nichiji bi hi ymd saishu ilsi il il ja shijian riqi sj rq zuihou"
)
#: Words of a state that changes after a row is written.
_STATES = _words(
    "status state statut zustand stand estado stato situacao situatie stan etat phase stage joutai jotai sangtae "
    "zhuangtai version balance active enabled approved"
)
#: Words of an event in the later life of a row. A column of such a moment is filled in after the row is written.
_LATER = _words(
    "paid shipped returned return closed completed cancelled canceled finished ended end resolved approved processed "
    "delivered sent confirmed expired refunded fulfilled settled activated verified checked archived "
    "bezahlt versendet storniert abgeschlossen beendet geliefert zurueckgegeben "
    "paye livre annule termine retour expedie pagado enviado cancelado entregado cerrado devuelto "
    "pagato spedito annullato consegnato chiuso pago fechado entregue betaald verzonden geannuleerd geleverd gesloten "
    "zaplacono wyslano anulowano zamknieto"
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a name. `about` has the words that narrow it: the password in password_updated_at."""

    purpose: str
    """modified or created."""
    about: tuple[str, ...] = ()


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case and without accents: `letzteÄnderung` is letzte, aenderung."""
    text = unicodedata.normalize("NFC", name)
    for sign, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"), ("ß", "ss")):
        text = text.replace(sign, letters)
    text = re.sub(r"(?<=[a-zà-þ0-9])(?=[A-ZÀ-Þ])|(?<=[A-ZÀ-Þ])(?=[A-ZÀ-Þ][a-zà-þ])", "_", text)
    text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return tuple(re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).lower()))


def meaning_of(name: str, table: str = "") -> Meaning | None:
    """Return what a column of dates or times means by its name, or None if the name does not say.

    Args:
        name: the column.
        table: its table, whose words add nothing: order_updated_at of `orders` is as good as updated_at.
    """
    words = words_of(name)
    found = _purpose(name, words)
    if found is None:
        return None
    purpose, used = found
    own = {stem for word in words_of(table) for stem in (word, word.removesuffix("s"), word.removesuffix("es"))}
    about = tuple(word for word in words if word not in used and word not in _NEUTRAL and word not in own)
    return Meaning(purpose, about)


def _purpose(name: str, words: tuple[str, ...]) -> tuple[str, frozenset[str] | set[str]] | None:
    bare, text = "".join(words), " ".join(words)
    for phrase in _MODIFIED_PHRASES:
        if phrase in text:
            return "modified", set(phrase.split())
    if any(sign in unicodedata.normalize("NFC", name) for sign in _MODIFIED_SIGNS):
        return "modified", set(words)
    if any(sign in unicodedata.normalize("NFC", name) for sign in _CREATED_SIGNS):
        return "created", set(words)
    for purpose, known in (("modified", MODIFIED), ("created", CREATED)):
        if used := known.intersection(words):
            return purpose, used
        if _joined(bare, known):
            return purpose, set(words)
    return None


def _joined(bare: str, known: frozenset[str]) -> bool:
    """Return True for words that are written as one, with neutral words around them: `updatedat`, `datecreated`."""
    for word in known:
        if len(word) > 4 and word in bare:
            before, _, after = bare.partition(word)
            if all(not part or part in _NEUTRAL for part in (before, after)):
                return True
    return False


def changes_later(name: str, is_time: bool) -> bool:
    """Return True if the values of a column probably change after its row was written.

    Args:
        name: the column.
        is_time: True if it has dates or times.
    """
    words = set(words_of(name))
    return bool(words & (_LATER if is_time else _STATES))
