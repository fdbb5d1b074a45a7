"""Finds personal data in texts: mail addresses, IP addresses, telephone and card numbers, tokens; and words.

The recognisers are our own: libraries for one kind each (phonenumbers, 48 MB) judge whether a number is assigned in a
country that must be known, and here a number that looks like one is enough. Pure.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_MARKS = "\u0300-\u036f"
LETTERS = rf"[^\W\d_](?:[^\W\d_]|[{_MARKS}])*"
MAIL = r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+"
_PIECES = re.compile(
    rf"""
    (?P<link>[a-zA-Z][a-zA-Z0-9+.-]{{1,20}}://[^\s"'<>\\^`{{|}}]+)
  | (?P<jwt>\beyJ[\w-]{{8,}}\.[\w-]{{4,}}\.[\w-]*)
  | (?P<encoded>[^\s&=?\#"'<>%;,]*+(?:%[0-9A-Fa-f]{{2}}[^\s&=?\#"'<>%;,]*+)+)
  | (?P<mail>{MAIL})
  | (?P<iban>(?<!\w)[A-Z]{{2}}[0-9]{{2}}(?:[ ]?[A-Z0-9]{{4}}){{2,7}}(?:[ ]?[A-Z0-9]{{1,4}})?(?!\w))
  | (?P<base64>(?<![\w+/=-])(?=[0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{{16,}}={{0,2}}(?![\w+/=-]))
  | (?P<ipv6>(?<![\w:.])(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}
      (?:[0-9A-Fa-f]{{1,4}}|(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}})?(?![\w:]))
  | (?P<ipv4>(?<![\w./-])(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}(?!\.?[\w-]))
  | (?P<date>(?<![\w.])[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?)?
      |(?<![\w.])[0-9]{{1,2}}(?P<between>[./-])[0-9]{{1,2}}(?P=between)(?:[0-9]{{2}}|[0-9]{{4}})(?![./-]?[0-9]))
  | (?P<digits>(?<![\w.])(?:\+[ ]?)?\(?[0-9](?:[ ().\-/\u00a0\u2010\u2011\u202f]{{0,3}}[0-9]){{3,18}}(?![0-9]))
  | (?P<word>{LETTERS})
    """,
    re.VERBOSE,
)
WORD = re.compile(LETTERS)
_NATIONAL = re.compile(r"0[0-9]{1,5}[ ()./\-\u00a0]+[0-9]|06[0-9]{8,9}$|0[1-9][0-9]{8,9}$")
_AMERICAN = re.compile(r"(?:1[ .-]?)?\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4}")
_GROUPS_OF_FOUR = re.compile(
    r"[0-9]{4}(?:[ -]?[0-9]{4}){2,3}(?:[ -]?[0-9]{1,3})?|[0-9]{13,19}|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}"
)
# Country codes of three digits begin so, or with 21 to 26, 29, 67 to 69, 80, 83, 85, 87 to 89.
_THREE = ("35", "37", "38", "42", "50", "59", "96", "97", "99")
# What is dialled before a national number at home: in most countries, in Hungary, in Russia, in North America.
TRUNKS = ("06", "0", "8", "1", "")
_SPECIAL = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "œ": "oe"})
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa"})
# The usual spelling of Cyrillic letters in Latin ones; of Greek names there are too many.
_CYRILLIC = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфыэіїє", "abvgdeziyklmnoprstufyeiie", strict=True))
    | {"ё": "e", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "yu"}
    | {"я": "ya"}
)
_MESSENGERS = frozenset({"s.whatsapp.net", "c.us"})
_SHORT_IP = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("0.0.0.0/8"))
_MADE_UP_IPS = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32"))
)


class TextPiece(NamedTuple):
    """A part of a text, at `start` to `end`. `kind` is what it looks like."""

    start: int
    end: int
    kind: str
    text: str


def pieces(text: str) -> list[TextPiece]:
    """The parts of a text that could be personal, in order, without overlaps."""
    return [TextPiece(found.start(), found.end(), str(found.lastgroup), found[0]) for found in _PIECES.finditer(text)]


def words(text: str) -> list[str]:
    """The words of a text: runs of letters."""
    return WORD.findall(text)


@lru_cache(maxsize=65_536)
def folded(text: str) -> str:
    """A text without the difference of case, accents and compatible forms: `Kovács` and `KOVACS` are the same."""
    plain = text.casefold().translate(_SPECIAL)
    if plain.isascii():
        return plain
    return "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each))


def spellings(word: str) -> set[str]:
    """How a word may be spelt with the letters A to Z, besides without its accents: `mueller`, `ivan`."""
    lower = unicodedata.normalize("NFC", word).casefold()
    return {folded(lower.translate(table)) for table in (_GERMAN, _CYRILLIC)} - {folded(lower)}


def latin(word: str) -> str:
    """A word in the letters A to Z, as far as that is known."""
    lower = unicodedata.normalize("NFC", word)
    return folded(lower.casefold().translate(_CYRILLIC))


def digits_of(text: str) -> str:
    """The digits of a text."""
    return "".join(each for each in text if "0" <= each <= "9")


def phone_key(digits: str) -> str:
    """What is the same in all spellings of a number: its last eight digits. Country codes and prefixes differ."""
    return digits[-8:]


def country_code(digits: str) -> str:
    """The country code at the beginning of an international number (ITU-T E.164)."""
    if digits[:1] in ("1", "7"):
        return digits[:1]
    two = digits[:2]
    listed = two in ("20", "27") or (two[:1] in "3459" and two not in _THREE) or two in ("81", "82", "84", "86")
    return two if listed or (two[:1] == "6" and two <= "66") else digits[:3]


def national_number(text: str) -> str:
    """The digits of a telephone number without the country code, or the prefix that stands for it at home."""
    digits = digits_of(text)
    if text.lstrip("( ").startswith("+"):
        return digits[len(country_code(digits)) :]
    if digits.startswith("00"):
        return digits[2 + len(country_code(digits[2:])) :]
    prefix = next((each for each in TRUNKS if each and digits.startswith(each) and len(digits) - len(each) >= 8), "")
    return digits[len(prefix) :] if prefix != "1" or len(digits) == 11 else digits


def looks_like_phone(text: str) -> bool:
    """Whether digits with separators look like a telephone number."""
    digits = digits_of(text)
    if not 7 <= len(digits) <= 16:
        return False
    if text.lstrip("(").startswith("+"):
        return len(digits) >= 8
    if digits.startswith("00") and len(digits) >= 10 and digits[2] != "0":
        return True
    bare = text.lstrip("( ")
    return len(digits) >= 8 and (_NATIONAL.match(bare) is not None or _AMERICAN.fullmatch(text) is not None)


def messenger_number(address: str) -> str | None:
    """The telephone number, with `+`, that is the first part of an address in a messenger; None if it is another
    address. WhatsApp's are such: `36201234567@s.whatsapp.net`."""
    number, _, domain = address.rpartition("@")
    known = number.isascii() and number.isdecimal() and 8 <= len(number) <= 16 and domain.casefold() in _MESSENGERS
    return f"+{number}" if known else None


def looks_like_card(text: str) -> bool:
    """Whether digits are the number of a payment card: its check digit is right."""
    digits = digits_of(text)
    if not 13 <= len(digits) <= 19 or digits[0] not in "3456" or _GROUPS_OF_FOUR.fullmatch(text) is None:
        return False
    return luhn(digits) == 0


def luhn(digits: str) -> int:
    """The check sum of a card number, 0 if it is right."""
    total = 0
    for position, each in enumerate(reversed(digits)):
        value = int(each) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10


def iban_sum(text: str) -> int:
    """The check sum of an IBAN, 1 if it is right."""
    compact = text.replace(" ", "")
    return int("".join(str(int(each, 36)) for each in compact[4:] + compact[:4])) % 97


def ip_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address of a person in a text; None if it is none, of this machine, of a range for documentation, or the
    version of a browser (`136.0.0.0`)."""
    if text.endswith(".0.0.0"):
        return None
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return None
    ours = any(address in net for net in (*_SHORT_IP, *_MADE_UP_IPS) if net.version == address.version)
    return None if ours else address


def looks_like_token(text: str) -> bool:
    """Whether a word is long and mixed enough to be a key that nobody has chosen."""
    if len(text) < 20 or not re.fullmatch(r"[\w+/=.~-]+", text, re.ASCII) or is_uuid(text):
        return False
    kinds = sum(any(test(each) for each in text) for test in (str.isdigit, str.isupper, str.islower))
    numbers = sum(each.isdigit() for each in text)
    return kinds >= 2 and numbers >= 3 and "." not in text.strip(".")


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID."""
    return re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


class Encoded(NamedTuple):
    """A text that was encoded in base64, and the alphabet and padding to encode another one alike."""

    text: str
    url_safe: bool
    padded: bool

    def encode(self, text: str) -> str:
        """Another text, encoded in the same way."""
        data = text.encode()
        found = base64.urlsafe_b64encode(data) if self.url_safe else base64.b64encode(data)
        return found.decode() if self.padded else found.decode().rstrip("=")


def from_base64(text: str) -> Encoded | None:
    """The text in a base64 word; None if it is no readable text."""
    url_safe = "-" in text or "_" in text
    bare = text.rstrip("=")
    if len(bare) % 4 == 1 or (url_safe and ("+" in bare or "/" in bare)):
        return None
    try:
        filled = bare + "=" * (-len(bare) % 4)
        data = base64.b64decode(filled, altchars=b"-_" if url_safe else None, validate=True)
        decoded = data.decode()
    except (binascii.Error, ValueError):
        return None
    readable = all(each.isprintable() or each in "\r\n\t" for each in decoded)
    return Encoded(decoded, url_safe, text.endswith("=") or len(bare) % 4 == 0) if readable and decoded else None
