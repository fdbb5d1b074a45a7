"""Made-up people and sentences, by Faker, from a pool per seed and locale.

Faker takes 0.2 to 0.4 ms for a person, so each is made once, when it is first used. Person *i* of a pool is a pure
function of seed, locale and *i*. No person is real: e-mail addresses use example domains, IP addresses the ranges that
are reserved for documentation (RFC 5737) and benchmarks (RFC 2544). Telephone numbers are of ranges that the country
reserves for fiction, if it has published one; else they begin as no number of the country does, so that nobody has
them. Of other countries they are North American: 555-01xx, which is reserved for fiction (NANPA).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from vendorsim.core.seeding import derive, generator

if TYPE_CHECKING:
    from faker import Faker

PEOPLE = 512
SENTENCES = 256
# What people and sentences are made with. Faker takes 0.1 s to load all its providers.
_PROVIDERS = [f"faker.providers.{name}" for name in ("address", "date_time", "internet", "lorem", "person")]


class _System(NamedTuple):
    name: str
    version: str
    platform: str
    device: str
    in_user_agent: str


# Not Faker's user agents: they combine versions of different years and depend on the current date.
_SYSTEMS = (
    _System("Windows", "10.0", "Win32", "Unknown", "Windows NT 10.0; Win64; x64"),
    _System("macOS", "10.15.7", "MacIntel", "Unknown", "Macintosh; Intel Mac OS X 10_15_7"),
    _System("Linux", "6.8", "Linux x86_64", "Unknown", "X11; Linux x86_64"),
    _System("Android", "14", "Linux armv81", "Pixel 8", "Linux; Android 14; Pixel 8"),
    _System("iOS", "18.1", "iPhone", "iPhone", "iPhone; CPU iPhone OS 18_1 like Mac OS X"),
)
_WINDOWS, _MACOS, _LINUX, _ANDROID, _IOS = _SYSTEMS
# How often visitors come with each, in percent. The shares are made up; about half of the visitors have a phone.
_VISITS = (
    (_ANDROID, "Chrome", 26),
    (_IOS, "Safari", 24),
    (_WINDOWS, "Chrome", 22),
    (_WINDOWS, "Edge", 8),
    (_WINDOWS, "Firefox", 4),
    (_MACOS, "Safari", 7),
    (_MACOS, "Chrome", 5),
    (_LINUX, "Firefox", 2),
    (_ANDROID, "Firefox", 2),
)
_SAFARI = "18.1"
# Legal forms of small companies, by territory or language.
_COMPANIES = {
    "US": "{} Inc.",
    "cs": "{} s.r.o.",
    "de": "{} GmbH",
    "es": "{} S. L.",
    "fr": "{} SARL",
    "hu": "{} Kft.",
    "it": "{} S.r.l.",
    "ja": "株式会社{}",
    "nl": "{} B.V.",
    "pl": "{} sp. z o.o.",
    "pt": "{} Lda.",
    "sv": "{} AB",
}
# Numbers for films, books and drama, by territory: how they may begin, and how many digits follow. Published by ACMA
# ("Phone numbers for use in TV shows, films and creative works"; the mobile ones), the Bundesnetzagentur (Mitteilung
# 148/2021, "Rufnummern für Medienproduktionen"), ARCEP (numbering plan, numbers for audiovisual works), Ofcom
# ("Telephone numbers for use in TV and radio drama programmes") and PTS (numbers for use in books and films).
_FICTION: dict[str, tuple[tuple[str, ...], int]] = {
    "AU": (("+61491570006", "+61491570110", "+61491570156", "+61491570157", "+61491570158", "+61491570159"), 0),
    "DE": (("+493023125", "+494066969", "+496990009", "+492214710", "+498999998"), 3),
    "FR": (("+3319900", "+3326191", "+3335301", "+3346571", "+3353649", "+3363998"), 4),
    "GB": (("+447700900",), 3),
    "SE": (("+463139006", "+464062804", "+468465004"), 2),
}
# How no number of the country begins, so that none of these can be assigned, and how many digits follow. Most countries
# use 0 before national numbers or not at all. Checked with the metadata of Google's libphonenumber, for all lengths.
_UNASSIGNED = {
    "AR": ("+540", 9),
    "AT": ("+430", 9),
    "BE": ("+320", 8),
    "BR": ("+550", 10),
    "CH": ("+410", 8),
    "CL": ("+560", 8),
    "CO": ("+570", 9),
    "CZ": ("+4200", 8),
    "DK": ("+450", 7),
    "ES": ("+340", 8),
    "FI": ("+3580", 8),
    "GR": ("+300", 9),
    "HU": ("+360", 8),
    "IT": ("+392", 9),
    "JP": ("+8109", 8),
    "MX": ("+520", 9),
    "NL": ("+310", 8),
    "PL": ("+480", 8),
    "PT": ("+3510", 8),
    "RO": ("+400", 8),
    "SK": ("+4210", 8),
    "TR": ("+900", 9),
}
# Languages in which the family name comes first.
_FAMILY_FIRST = frozenset({"hu", "ja", "ko", "vi", "zh"})
# Letters that Unicode does not decompose into a Latin one.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "œ": "oe"})


class Person(Struct, frozen=True):
    """One made-up person with browser and location. All values can be used in a body as they are."""

    first_name: str
    last_name: str
    name: str
    email: str
    phone: str
    ip: str
    city: str
    country: str
    country_code: str
    language: str
    user_agent: str
    platform: str
    browser: str
    browser_version: str
    system: str
    system_version: str
    device: str
    female: bool


def family_first(locale: str) -> bool:
    """Whether the family name comes first in the locale's language."""
    return locale.partition("_")[0] in _FAMILY_FIRST


def company(name: str, locale: str) -> str:
    """The name of a company that is called after a family, with the usual legal form of the country."""
    language, _, territory = locale.partition("_")
    return _COMPANIES.get(territory, _COMPANIES.get(language, "{} Ltd")).format(name)


class Pool:
    """The made-up people and sentences of one seed and locale."""

    def __init__(self, seed: int, locale: str) -> None:
        self.seed = seed
        self.locale = locale
        self.faker, self.lock = _faker(locale)
        self.people: list[Person | None] = [None] * PEOPLE
        self.sentences: list[str | None] = [None] * SENTENCES

    def person(self, number: int) -> Person:
        """Person `number` of the pool; numbers wrap around."""
        position = number % PEOPLE
        person = self.people[position]
        if person is None:
            random = generator(self.seed, self.locale, "browser", position)
            with self.lock:
                self.faker.seed_instance(derive(self.seed, self.locale, "person", position))
                person = self.people[position] = _person(self.faker, random, self.locale, position)
        return person

    def sentence(self, number: int) -> str:
        """Sentence `number` of the pool; numbers wrap around."""
        position = number % SENTENCES
        sentence = self.sentences[position]
        if sentence is None:
            with self.lock:
                self.faker.seed_instance(derive(self.seed, self.locale, "sentence", position))
                sentence = self.sentences[position] = str(self.faker.sentence(nb_words=8))
        return sentence


@lru_cache(maxsize=64)
def _faker(locale: str) -> tuple[Faker, Lock]:
    """The Faker of a locale, and the lock to hold from seeding it to the last value: other threads use it too."""
    faker = _faker_class()(locale, providers=_PROVIDERS)
    _sort_cities(faker)
    return faker, Lock()


@cache
def _faker_class() -> type[Faker]:
    """Imported here, since it takes 0.05 s and many commands make up no people."""
    from faker import Faker, factory
    from faker.utils.loading import list_module

    # For each locale Faker lists the folders of each provider anew, which takes longer than all else.
    factory.list_module = cache(list_module)  # type: ignore[attr-defined]
    return Faker


def _sort_cities(faker: Faker) -> None:
    """Sorts the cities of it_IT: Faker makes that list from a set, so its order differs between processes."""
    for provider in faker.get_providers():
        cities = getattr(provider, "cities", None)
        if type(provider).__module__.endswith(".it_IT") and isinstance(cities, list):
            provider.cities = sorted(cities)


@lru_cache(maxsize=64)
def pool(seed: int, locale: str) -> Pool:
    """The pool of a seed and locale, shared by all conversations."""
    return Pool(seed, locale)


def _person(fake: Faker, random: Random, locale: str, number: int) -> Person:
    """A new person, the one of that number. Faker gives what depends on the locale (names, cities, countries); all else
    comes from `random`, so it does not change when a version of Faker has other names."""
    language, _, territory = locale.partition("_")
    female = random.random() < 0.5
    first, last, spelt = _names(fake, female=female)
    system, browser = random.choices([visit[:2] for visit in _VISITS], [visit[2] for visit in _VISITS])[0]
    version = _SAFARI if browser == "Safari" else f"{random.randint(128, 131)}.0"
    return Person(
        first_name=first,
        last_name=last,
        name=f"{last} {first}" if family_first(locale) else f"{first} {last}",
        email=_email(spelt, number, random),
        phone=_phone(territory, random),
        ip=_documentation_ip(random),
        city=fake.city(),
        country=_or_default(fake.current_country, "United States"),
        country_code=_country_code(fake, territory),
        language=f"{language}-{territory}" if territory else language,
        user_agent=_user_agent(browser, version, system),
        platform=system.platform,
        browser=browser,
        browser_version=version,
        system=system.name,
        system_version=system.version,
        device=system.device,
        female=female,
    )


def _names(fake: Faker, *, female: bool) -> tuple[str, str, tuple[str, str]]:
    """A first and a last name that go together (many languages have female forms of family names), and how they are
    spelt in addresses."""
    sex = "female" if female else "male"
    # Faker's Japanese names come with their transcriptions: (written, in kana, in Latin letters).
    pair = getattr(fake, f"first_name_{sex}_pair", None)
    if pair is not None:
        first, _, first_spelt = pair()
        last, _, last_spelt = fake.last_name_pair()
        return first, last, (first_spelt, last_spelt)
    first, last = str(getattr(fake, f"first_name_{sex}")()), str(getattr(fake, f"last_name_{sex}")())
    return first, last, (first, last)


def _email(names: tuple[str, str], number: int, random: Random) -> str:
    """An address made of the name, with the person's number so that nobody shares it; of a name in another script, the
    number alone."""
    parts = [_ascii(name) for name in names]
    local = ".".join(parts) if all(parts) else "mail"
    return f"{local}{number}@example.{random.choice(('com', 'org', 'net'))}"


def _ascii(name: str) -> str:
    """The letters of a name without their marks; empty if it has letters of another script."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    letters = [letter for letter in plain if letter.isalpha()]
    return "".join(letters) if all(letter.isascii() for letter in letters) else ""


def _phone(territory: str, random: Random) -> str:
    """A number that nobody has. See _FICTION and _UNASSIGNED."""
    begins, digits = _FICTION.get(territory, ((), 0))
    if not begins and territory in _UNASSIGNED:
        begin, digits = _UNASSIGNED[territory]
        begins = (begin,)
    if begins:
        return random.choice(begins) + "".join(random.choices("0123456789", k=digits))
    return f"+1{random.randint(201, 989)}55501{random.randint(0, 99):02}"


def _country_code(fake: Faker, territory: str) -> str:
    code = _or_default(fake.current_country_code, territory)
    return code if len(code) == 2 and code.isascii() and code.isupper() else "US"


def _or_default(make: Callable[[], str], default: str) -> str:
    """The result of `make`, or the default for a locale for which Faker has no country."""
    try:
        return make()
    except (AttributeError, ValueError, KeyError):
        return default


def _documentation_ip(random: Random) -> str:
    network = random.choice(("192.0.2", "198.51.100", "203.0.113", f"198.18.{random.randint(0, 255)}"))
    return f"{network}.{random.randint(1, 254)}"


def _user_agent(browser: str, version: str, system: _System) -> str:
    details = system.in_user_agent
    if browser == "Firefox":
        return f"Mozilla/5.0 ({details}; rv:{version}) Gecko/20100101 Firefox/{version}"
    if browser == "Safari":
        mobile = " Mobile/15E148" if system.name == "iOS" else ""
        return (
            f"Mozilla/5.0 ({details}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version}{mobile} Safari/604.1"
        )
    mobile = " Mobile" if system.name == "Android" else ""
    agent = f"Mozilla/5.0 ({details}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0{mobile} Safari/537.36"
    return f"{agent} Edg/{version}.0.0" if browser == "Edge" else agent
