"""The texts that a sheet shows for a formula that has failed or not finished, in the language of the sheet's locale."""

#: A language that is not listed has the English texts.
_BY_LANGUAGE = {
    "English": "#NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #ERROR! #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT! "
    "#EXTERNAL! #BUSY! #PYTHON! #UNKNOWN! #GETTING_DATA Loading...",
    "Chinese": "#溢出!",
    "Croatian": "#DIJ/0! #VRIJEDNOST! #NAZIV? #BROJ! #N/D",
    "Czech": "#DĚLENÍ_NULOU! #HODNOTA! #ODKAZ! #NÁZEV? #ČÍSLO! #NENÍ_K_DISPOZICI #CHYBA! #PŘESAH! #PRESAH! #VÝPOČET!",
    "Danish": "#NUL! #INTET! #DIVISION/0! #VÆRDI! #REFERENCE! #NAVN? #NUMMER! #I/T #FEJL! #OVERLØB! #BEREGN!",
    "Dutch": "#LEEG! #DEEL/0! #DELING.DOOR.0! #WAARDE! #VERW! #NAAM? #GETAL! #N/B #FOUT! #OVERLOOP! #OVERLOPEN! "
    "#BEREKENEN! #GEGEVENS.OPHALEN",
    "Finnish": "#TYHJÄ! #JAKO/0! #ARVO! #VIITTAUS! #NIMI? #LUKU! #PUUTTUU! #PUUTTUU #VIRHE! #LEVITTYMINEN!",
    "French": "#NUL! #VALEUR! #NOM? #NOMBRE! #ERREUR! #PROPAGATION! #EPARS! #CALCUL! #OBTENTION_DONNEES "
    "#CHARGEMENT_DONNEES",
    "German": "#WERT! #BEZUG! #ZAHL! #NV #FEHLER! #ÜBERLAUF! #KALK! #FELD! #BLOCKIERT! #UNBEKANNT! #DATEN_ABRUFEN",
    "Greek": "#ΚΕΝΟ! #ΔΙΑΙΡ./0! #ΤΙΜΗ! #ΑΝΑΦ! #ΟΝΟΜΑ? #ΑΡΙΘ! #Δ/Υ",
    "Hungarian": "#NULLA! #ZÉRÓOSZTÓ! #ÉRTÉK! #HIV! #NÉV? #SZÁM! #HIÁNYZIK #HIBA! #KIBONTÁS!",
    "Indonesian": "#BAGI0! #NILAI! #ANGKA! #GALAT! #TUMPAH!",
    "Italian": "#NULLO! #VALORE! #RIF! #NOME? #N/D #ERRORE! #ESPANSIONE! #ESTRAZIONE_DATI_IN_CORSO",
    "Japanese": "#スピル!",
    "Korean": "#분산!",
    "Norwegian": "#VERDI! #NAVN? #I/T #FEIL! #OVERFLYT!",
    "Polish": "#ZERO! #PUSTE! #DZIEL/0! #ARG! #ADR! #NAZWA? #LICZBA! #N/D! #N/D #BŁĄD! #ROZLANIE!",
    "Portuguese": "#NULO! #VALOR! #NOME? #NÚM! #N/D #ERRO! #DESPEJAR! #TRANSPOSIÇÃO! #OBTENDO_DADOS",
    "Romanian": "#NUL! #VALOARE! #NUME?",
    "Russian": "#ПУСТО! #ДЕЛ/0! #ЗНАЧ! #ССЫЛКА! #ИМЯ? #ЧИСЛО! #Н/Д #ОШИБКА! #ПЕРЕНОС! #ВЫЧИСЛ! #ОЖИДАНИЕ_ДАННЫХ",
    "Slovak": "#NEPLATNÝ! #DELENIENULOU! #DELENIE_NULOU! #HODNOTA! #ODKAZ! #NÁZOV? #ČÍSLO! #NEDOSTUPNÝ #NEDOSTUPNÉ",
    "Slovenian": "#NIČ! #DEL/0! #VREDN! #SKLIC! #IME? #ŠTEV! #N/V",
    "Spanish": "#¡NULO! #¡DIV/0! #¡VALOR! #¡REF! #¿NOMBRE? #¡NUM! #¡ERROR! #¡DESBORDAMIENTO! #¡CALC! #NULO! #VALOR! "
    "#NOMBRE? #N/D #OBTENIENDO_DATOS",
    "Swedish": "#SKÄRNING! #DIVISION/0! #VÄRDEFEL! #VÄRDE! #REFERENS! #NAMN? #OGILTIGT! #SAKNAS! #SAKNAS #FEL!",
    "Thai": "#สปิลล์!",
    "Turkish": "#BOŞ! #SAYI/0! #DEĞER! #BAŞV! #AD? #SAYI! #YOK #HATA! #TAŞMA! #HESAPLA!",
}

FORMULA_ERRORS = frozenset(text for texts in _BY_LANGUAGE.values() for text in texts.split())
