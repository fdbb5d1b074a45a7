"""Made-up people and sentences, by Faker, from a pool per seed and locale.

Faker takes 0.2 to 0.4 ms for a person, so each is made once, when it is first used. Person *i* of a pool is a pure
function of seed, locale and *i*. No person is real: e-mail addresses use example domains, IP addresses the ranges that
are reserved for documentation (RFC 5737) and benchmarks (RFC 2544), and telephone numbers the range that is reserved
for fiction (555-01xx).
"""

from __future__ import annotations

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
)
_BROWSERS = ("Chrome", "Firefox", "Edge")


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
                person = self.people[position] = _person(self.faker, random, self.locale)
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


def _person(fake: Faker, random: Random, locale: str) -> Person:
    """A new person. Faker gives what depends on the locale (names, cities, countries); all else comes from `random`, so
    it does not change when a version of Faker has other names."""
    first, last = fake.first_name(), fake.last_name()
    language, _, territory = locale.partition("_")
    system = random.choice(_SYSTEMS)
    browser = random.choice(_BROWSERS)
    version = f"{random.randint(118, 131)}.0"
    return Person(
        first_name=first,
        last_name=last,
        name=f"{first} {last}",
        email=fake.ascii_safe_email(),
        phone=f"+1{random.randint(201, 989)}55501{random.randint(0, 99):02}",
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
    mobile = " Mobile" if system.name == "Android" else ""
    agent = f"Mozilla/5.0 ({details}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0{mobile} Safari/537.36"
    return f"{agent} Edg/{version}.0.0" if browser == "Edge" else agent
