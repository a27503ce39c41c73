"""Check a message against Slack's limits: https://docs.slack.dev/reference/block-kit/blocks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]


def problems(payload: Part) -> list[str]:
    """Return the problems of the texts and blocks of a message, or none if Slack would accept it."""
    return list(_payload(payload))


def length(text: str) -> int:
    """Return the length in UTF-16, where an emoji counts twice: the stricter of the two counts that Slack may use."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _payload(payload: Part) -> Iterator[str]:
    if length(str(payload["text"])) > 40_000:
        yield "text: more than 40,000 characters"
    yield from _well_formed("text", payload["text"])
    blocks = payload.get("blocks", [])
    if not isinstance(blocks, list):
        yield "blocks: no list"
        return
    if len(blocks) > 50:
        yield f"blocks: {len(blocks)} are more than 50"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids):
        yield "blocks: the same block_id twice"
    for place, block in enumerate(blocks):
        check = _BLOCKS.get(block.get("type"))
        for problem in check(block) if check else [f"unknown type {block.get('type')!r}"]:
            yield f"blocks/{place}: {problem}"


def _well_formed(name: str, text: object) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"{name}: no text"
    elif any("\ud800" <= character <= "\udfff" or character == "\0" for character in text):
        yield f"{name}: half of a surrogate pair, or NUL"


def _text(part: object, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Iterator[str]:
    """Yield the problems of a text object with at most `most` characters."""
    if not isinstance(part, dict) or part.get("type") not in kinds:
        yield f"expected a text object ({' or '.join(kinds)})"
        return
    text = part.get("text")
    yield from _well_formed("text", text)
    if not isinstance(text, str) or not text:
        yield "an empty text"
    elif length(text) > most:
        yield f"{length(text)} characters are more than {most}"
    known = {"mrkdwn": {"type", "text", "verbatim"}, "plain_text": {"type", "text", "emoji"}}[part["type"]]
    yield from (f"{part['type']} has no {name!r}" for name in part.keys() - known)


def _header(block: Part) -> Iterator[str]:
    yield from _text(block.get("text"), 150, ("plain_text",))
    yield from _fields(block, "text")


def _section(block: Part) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield "neither text nor fields"
    if "text" in block:
        yield from _text(block["text"], 3000)
    if len(fields) > 10:
        yield f"{len(fields)} fields are more than 10"
    for one in fields:
        yield from _text(one, 2000)
    yield from _fields(block, "text", "fields", "expand")


def _context(block: Part) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 10:
        yield f"{len(elements)} elements, and 1 to 10 are allowed"
    for element in elements:
        yield from _text(element, 3000)
    yield from _fields(block, "elements")


def _actions(block: Part) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 25:
        yield f"{len(elements)} elements, and 1 to 25 are allowed"
    for element in elements:
        if element.get("type") != "button":
            yield f"unknown element {element.get('type')!r}"
        yield from _text(element.get("text"), 75, ("plain_text",))
        if length(element.get("url", "")) > 3000:
            yield "a url of more than 3,000 characters"
    yield from _fields(block, "elements")


def _divider(block: Part) -> Iterator[str]:
    yield from _fields(block)


def _fields(block: Part, *known: str) -> Iterator[str]:
    if length(block.get("block_id", "")) > 255:
        yield "a block_id of more than 255 characters"
    yield from (f"{block['type']} has no {name!r}" for name in block.keys() - {"type", "block_id", *known})


_BLOCKS: dict[object, Callable[[Part], Iterator[str]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
}
