"""A capture with planted personal data, the data, and what is harmless and has to stay. All people are made up.

`GONE` must not be in a scrubbed capture in any spelling or encoding, `STAYS` must be in it.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

VENDOR, PROFILE = "messagehub", "observed-4.18"

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODQyMTMiLCJlbWFpbCI6ImFubmFAYWNtZS5odSJ9.c2lnbmF0dXJlLXZhbHVl"
TOKEN = "pk_live_51Hq8ZxKb2vT9mWc4RfYd7LsN"
COOKIE = "s%3AqW8xTz3LkP0vB7nM.2Jd9fKs1"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def contact(name: str, email: str | None, phone: str | None, number: int, **custom: Any) -> dict[str, Any]:
    """A contact of the vendor."""
    return {
        "additional_attributes": {},
        "custom_attributes": custom,
        "email": email,
        "identifier": None,
        "phone_number": phone,
        "thumbnail": f"https://chat.shop.hu/rails/avatars/{quote(name)}-{number}.png?v=3",
        "blocked": False,
        "id": number,
        "name": name,
        "type": "contact",
    }


def message(content: str, sender: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "event": "message_created",
        "id": 9_001_552,
        "content": content,
        "message_type": "incoming",
        "content_type": "text",
        "private": False,
        "created_at": "2026-01-05T09:00:00.000Z",
        "source_id": None,
        "content_attributes": {},
        "sender": sender,
        "account": {"id": 1, "name": "Headphone Shop"},
        "inbox": {"id": 3, "name": "Website"},
        "conversation": {"id": 77_120, "status": "open", "channel": "Channel::WebWidget"},
        **more,
    }


ANNA = contact(
    "Kovács Anna",
    "kovacs.anna@acme.hu",
    "+36201234567",
    884_213,
    referrer="https://shop.hu/?mail=kovacs.anna%40acme.hu&n=Kov%C3%A1cs&utm_source=newsletter",
    plan="gold",
)
JO = contact("Jo Márk", "jo@kis-bolt.hu", "06 30 765 4321", 884_214)
MUELLER = contact("Jürgen Müller", "j.mueller+chat@beispiel-gmbh.de", "+49 (170) 555-8123", 884_215)
YAMADA = contact("山田 太郎", "taro@yamada-shoten.jp", None, 884_216)
IVAN = contact("Иван Петров", None, "8 (495) 739-70-00", 884_217)
ELENI = contact("Ελένη Παππά", None, "+30 697 123 9876", 884_218)
OPEN = contact("Will Open", "will.open@example-mail.org", "(212) 664-7665", 884_219)

BODIES: list[Any] = [
    message(
        "Szia, Kovács Anna vagyok. Annának és KOVÁCS ANNÁVAL is beszéltek, kovacs.anna@acme.hu, KOVACS.ANNA@ACME.HU. "
        "Hívj: +36 20 123 4567, 06-20/123-4567 vagy 0036201234567. Jó napot, a Job jó!",
        ANNA,
    ),
    message("Jo vagyok, a számom 06307654321. Wireless Headphones X200, order 10001234567.", JO),
    message(
        "I am Mueller, sometimes Muller: MÜLLER Jürgen. Card 4111 1111 1111 1111, DE89 3704 0044 0532 0130 00.", MUELLER
    ),
    message("山田です。山田さんと太郎さんに電話してください。ヘッドホンが欲しい。", YAMADA),
    message("Иван, Ивану, ПЕТРОВ and Petrov: 8 495 739 70 00. Привет!", IVAN),
    message("Ελένη: +30 697 1239876. Καλημέρα!", ELENI),
    message(
        "Will writes: it will stay open. Mark it as done, mark my words in the market. "
        "Call (212) 664-7665 or 212.664.7665.",
        OPEN,
    ),
    message(
        "See the note",
        ANNA,
        content_attributes={
            "raw": json.dumps({"von": "J\u00fcrgen M\u00fcller", "an": "kovacs.anna@acme.hu", "farbe": "blue"}),
            "blob": base64.b64encode("name=Kovács Anna;plan=gold".encode()).decode(),
            "kovacs.anna@acme.hu": True,
            "884213": "vip",
        },
    ),
    {
        "event": "contact_updated",
        **{key: value for key, value in ANNA.items() if key != "type"},
        "account": {"id": 1, "name": "Headphone Shop"},
        "changed_attributes": [{"name": {"previous_value": "Szabó Zsófia", "current_value": "Kovács Anna"}}],
    },
]


def entry(body: Any, number: int) -> dict[str, Any]:
    """A HAR entry with the body, and with personal data in its URL and headers."""
    text = json.dumps(body, ensure_ascii=number % 2 == 0)
    return {
        "startedDateTime": f"2026-01-05T10:00:{number:02}.000+01:00",
        "time": 12.5,
        "request": {
            "method": "POST",
            "url": f"https://desk.shop.hu/hooks/{TOKEN}?agent=kovacs.anna%40acme.hu&api_key={TOKEN}&page=2",
            "httpVersion": "HTTP/1.1",
            "cookies": [{"name": "session", "value": COOKIE}],
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "User-Agent", "value": "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0.0.0 Safari/537.36"},
                {"name": "Authorization", "value": basic("kovacs.anna@acme.hu", "Tit0k-jelszo")},
                {"name": "Cookie", "value": f"session={COOKIE}; lang=hu"},
                {"name": "X-Api-Token", "value": TOKEN},
                {"name": "X-Forwarded-For", "value": "84.2.33.147, 2a02:ab88:1d2:7c00::1f"},
                {"name": "X-Chatwoot-Signature", "value": "sha256=" + "9f86d081884c7d659a2feaa0c55ad015" * 2},
                {
                    "name": "X-Debug",
                    "value": base64.b64encode(b'{"user":"kovacs.anna@acme.hu","plan":"gold"}').decode(),
                },
                {"name": "Content-Length", "value": str(len(text.encode()))},
            ],
            "queryString": [
                {"name": "agent", "value": "kovacs.anna@acme.hu"},
                {"name": "api_key", "value": TOKEN},
                {"name": "page", "value": "2"},
            ],
            "postData": {"mimeType": "application/json", "text": text},
            "headersSize": -1,
            "bodySize": len(text.encode()),
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": "Set-Cookie", "value": f"session={COOKIE}; Path=/; HttpOnly"}],
            "content": {
                "size": 46,
                "mimeType": "application/json",
                "text": json.dumps({"ok": True, "for": "Kovács Anna", "jwt": JWT}),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 12.5, "receive": 0},
        "serverIPAddress": "84.2.33.200",
    }


def capture() -> bytes:
    """The capture: a HAR as browsers write it."""
    pages = [{"id": "page_1", "title": "Chat with Kovács Anna", "startedDateTime": "2026-01-05T10:00:00.000+01:00"}]
    entries = [entry(body, number) for number, body in enumerate(BODIES)]
    log = {"version": "1.2", "creator": {"name": "Browser", "version": "130"}, "pages": pages, "entries": entries}
    return json.dumps({"log": log}, indent=2).encode()


# Words that must not be there: as words, in any case, with or without accents.
GONE_WORDS = [
    "Kovács", "Anna", "Annának", "Annával", "Jo", "Jürgen", "Müller", "Mueller", "Иван", "Ивану", "Петров", "Petrov",
    "Ελένη", "Παππά", "Szabó", "Zsófia",
]  # fmt: skip
# Texts that must not be there in any case, spelling or encoding.
GONE = [
    "kovacs.anna@acme.hu", "jo@kis-bolt.hu", "j.mueller+chat@beispiel-gmbh.de", "taro@yamada-shoten.jp",
    "will.open@example-mail.org", "山田", "太郎", TOKEN, COOKIE, JWT, "Tit0k-jelszo", "84.2.33.147",
    "2a02:ab88:1d2:7c00::1f", "84.2.33.200", "9f86d081884c7d659a2feaa0c55ad015", "DE89 3704 0044 0532 0130 00",
    "rails/avatars",
]  # fmt: skip
# Digits that must not be there, however they are separated.
GONE_DIGITS = ["201234567", "307654321", "5558123", "4957397000", "6971239876", "2126647665", "4111111111111111"]
# Ids that must not be there with --ids.
GONE_IDS = ["884213", "884214", "884215", "884216", "884217", "884218", "884219", "9001552", "77120"]
# What is harmless, and replaced nevertheless: a word at the beginning of a sentence that is somebody's name, too.
TAKEN_FOR_NAMES = ["Mark it as done"]
# What has to stay: of the format, of the contract, words and products.
STAYS = [
    "message_created", "contact_updated", "incoming", "Channel::WebWidget", "open", "Website", "Headphone Shop",
    "2026-01-05T09:00:00.000Z", "2026-01-05T10:00:00.000+01:00", "Chrome/130.0.0.0", "application/json", "gold",
    "utm_source=newsletter", "Wireless Headphones X200", "order 10001234567", "Jó napot, a Job jó!", "Szia, ",
    "it will stay open", "mark my words",
    "market", "ヘッドホンが欲しい", "Привет!", "Καλημέρα!", "See the note", '"blue"',
    "page=2", "https://desk.shop.hu/hooks/", "lang=", "; Path=/; HttpOnly", "Safari/537.36", "beszéltek",
]  # fmt: skip


def views(text: str, depth: int = 0) -> Iterator[str]:
    """A text, and all that is encoded in it, without the code under test."""
    yield text
    if depth > 5:
        return
    for found in re.findall(r'"(?:[^"\\]|\\.)*"', text):
        if "\\" in found:
            yield from views(json.loads(found), depth + 1)
    if "%" in text:
        plain = unquote(text)
        if plain != text:
            yield from views(plain, depth + 1)
    if "&" in text and html.unescape(text) != text:
        yield from views(html.unescape(text), depth + 1)
    for found in re.findall(r"[A-Za-z0-9+/_-]{12,}={0,2}", text):
        for altchars in (b"+/", b"-_"):
            try:
                plain = base64.b64decode(found + "=" * (-len(found) % 4), altchars=altchars).decode()
            except ValueError:
                continue
            if plain.isprintable():
                yield from views(plain, depth + 1)


def plain(text: str) -> str:
    """A text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def left(output: str, *, ids: bool) -> list[str]:
    """What is left of the planted data."""
    everything = "\n".join(dict.fromkeys(views(output)))
    low, without = everything.casefold(), plain(everything)
    found = [each for each in GONE if each.casefold() in low or plain(each) in without]
    # Jo has three neighbours that are not the name: Job, jó, and letters within words.
    found += [each for each in GONE_WORDS if len(each) > 3 and re.search(rf"\b{plain(each)}\b", without)]
    found += [each for each in GONE_WORDS if len(each) <= 3 and re.search(rf"\b{each}\b", everything)]
    digits = re.sub(r"[ ().\-/]", "", everything)
    found += [each for each in GONE_DIGITS if each in digits]
    return found + [each for each in GONE_IDS if ids and re.search(rf"(?<!\d){each}(?!\d)", everything)]


def lost(output: str) -> list[str]:
    """What is harmless, and not there any more."""
    everything = "\n".join(dict.fromkeys(views(output)))
    return [each for each in STAYS if each not in everything]
