"""Check that hard texts arrive unchanged."""

from daybook.audit.verdict import Verdict
from daybook.errors import ValueRefused
from daybook.strategies.registry import WHOLE_TABLE
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import Workbench

_TEXTS = {
    "blanks at the end": "end  ",
    "only blanks": "   ",
    "empty": "",
    r"\N": r"\N",
    "NULL": "NULL",
    "double quotes": 'a "quoted" text, with a comma',
    "single quotes": "it's",
    "backslashes": "a\\b\\\\c\\",
    "newlines": "one\ntwo\r\nthree\rfour",
    "tab": "a\tb",
    "control characters": "\x01\x1e\x7f",
    "4-byte UTF-8": "😀𝄞",
    "combining characters": "e\u0301 n\u0303",
    "end of COPY": "\\.",
    "a delimiter and a quote": ',"',
    "65,535 bytes": "x" * 65535,
    "65,535 bytes of UTF-8": "😀" * 16383 + "abc",
}


@check(
    "strings: hard texts",
    page="dg/copy-parameters-data-conversion.html",
    expects="each text is the same on both sides, character by character, and the audit's checksums are equal",
)
def hard_texts(bench: Workbench) -> str:
    """Load each text, read it back, and compare it."""
    bench.run_in_source("CREATE TABLE {s}.hard_texts (id int PRIMARY KEY, value text)")
    for number, text in enumerate(_TEXTS.values()):
        bench.run_in_source("INSERT INTO {s}.hard_texts VALUES (%s, %s)", (number, text))
    bench.run_in_source("INSERT INTO {s}.hard_texts VALUES (%s, NULL)", (len(_TEXTS),))
    table = bench.table("hard_texts", WHOLE_TABLE.name)
    bench.load(table)
    expected = dict(enumerate([*_TEXTS.values(), None]))
    found = dict(bench.run("SELECT id, value FROM {s}.hard_texts"))
    names = [*_TEXTS, "NULL value"]
    wrong = [
        f"{names[number]}: {_shown(found.get(number))} instead of {_shown(text)}"
        for number, text in expected.items()
        if number not in found or found[number] != text
    ]
    if wrong:
        raise Unexpected("; ".join(wrong))
    if any(one.verdict is not Verdict.EQUAL for one in bench.audit_whole(table)):
        raise Unexpected("the texts are the same, but the audit's checksums differ")
    return f"{len(expected)} texts are the same, and their checksums are equal"


@check(
    "strings: longer than a VARCHAR",
    page="dg/r_Character_types.html",
    expects="a text of more than 65,535 bytes is refused; with `too_long:`, the load cuts it between two characters or "
    "loads NULL, and counts it",
)
def too_long(bench: Workbench) -> str:
    """Load a text that is too long in each of the three ways."""
    text = "é" * 40_000
    bench.run_in_source("CREATE TABLE {s}.long_texts (id int PRIMARY KEY, one text, other text)")
    bench.run_in_source("INSERT INTO {s}.long_texts VALUES (1, %s, %s)", (text, text))
    try:
        bench.load(bench.table("long_texts", WHOLE_TABLE.name))
    except ValueRefused:
        pass
    else:
        raise Unexpected("the text was not refused")
    shortened = bench.table("long_texts", WHOLE_TABLE.name, too_long={"one": "truncate", "other": "null"})
    report = bench.load(shortened)
    rows = bench.run("SELECT one, other FROM {s}.long_texts")
    if rows != [("é" * 32_767, None)]:
        raise Unexpected(f"the table has {', '.join(map(_shown, rows[0]))}")
    return "; ".join(report.notices)


def _shown(text: str | None) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}… ({len(text or ''):,} characters)"
