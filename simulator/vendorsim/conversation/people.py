"""Made-up people and sentences, by Faker, from a pool per seed and locale.

Faker takes 0.2 to 0.4 ms for a person, so each is made once, when it is first used. Person *i* of a pool is a pure
function of seed, locale and *i*. No person is real: e-mail addresses use example domains, IP addresses the ranges that
are reserved for documentation (RFC 5737) and benchmarks (RFC 2544), and telephone numbers ranges that are reserved for
fiction: 07700 900xxx in the United Kingdom (Ofcom, numbers for drama), 555-01xx in all other countries.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

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
# Languages in which the family name comes first.
_FAMILY_FIRST = frozenset({"hu", "ja", "ko", "vi", "zh"})
# Letters that Unicode does not decompose into a Latin one.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "œ": "oe"})


@dataclass(frozen=True, slots=True)
class Person:
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
    # Imported here, since it takes 0.1 s and many commands make up no people.
    from faker import Faker

    faker = Faker(locale, providers=_PROVIDERS)
    _sort_cities(faker)
    return faker, Lock()


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
    first, last = _names(fake, female=random.random() < 0.5)
    system, browser = random.choices([visit[:2] for visit in _VISITS], [visit[2] for visit in _VISITS])[0]
    version = _SAFARI if browser == "Safari" else f"{random.randint(128, 131)}.0"
    return Person(
        first_name=first,
        last_name=last,
        name=f"{last} {first}" if family_first(locale) else f"{first} {last}",
        email=_email(first, last, number, random) or fake.ascii_safe_email(),
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
    )


def _names(fake: Faker, *, female: bool) -> tuple[str, str]:
    """A first and a last name that go together: many languages have female forms of family names."""
    if female:
        return str(fake.first_name_female()), str(fake.last_name_female())
    return str(fake.first_name_male()), str(fake.last_name_male())


def _email(first: str, last: str, number: int, random: Random) -> str | None:
    """An address made of the name, with the person's number so that nobody shares it; None for other scripts."""
    parts = [_ascii(name) for name in (first, last)]
    if not all(parts):
        return None
    return f"{'.'.join(parts)}{number}@example.{random.choice(('com', 'org', 'net'))}"


def _ascii(name: str) -> str:
    """The letters of a name without their marks; empty if it has letters of another script."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    letters = [letter for letter in plain if letter.isalpha()]
    return "".join(letters) if all(letter.isascii() for letter in letters) else ""


def _phone(territory: str, random: Random) -> str:
    if territory == "GB":
        return f"+447700900{random.randint(0, 999):03}"
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
