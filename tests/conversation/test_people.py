"""Made-up people: nobody is real, in no language."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from ipaddress import ip_address, ip_network

import pytest
from vendorsim.conversation.people import PEOPLE, SENTENCES, Pool, company, pool

LOCALES = [
    "en_US",
    "de_DE",
    "fr_FR",
    "hu_HU",
    "cs_CZ",
    "es_ES",
    "pt_BR",
    "ru_RU",
    "el_GR",
    "tr_TR",
    "ar_AA",
    "he_IL",
    "ja_JP",
    "zh_CN",
    "ko_KR",
    "th_TH",
    "hi_IN",
    "en",
    "la",
]
RESERVED = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")]


@pytest.mark.parametrize("locale", LOCALES)
def test_people_of_every_locale_are_whole_and_unreal(locale: str) -> None:
    made = pool(3, locale)
    for number in range(25):
        person = made.person(number)
        assert re.fullmatch(r"[a-z0-9._-]+@example\.(com|org|net)", person.email, re.IGNORECASE)
        assert any(ip_address(person.ip) in network for network in RESERVED)
        assert re.fullmatch(r"\+[1-9]\d{7,14}", person.phone)
        assert re.fullmatch("[A-Z]{2}", person.country_code)
        assert all(text.strip() for text in (person.name, person.first_name, person.last_name, person.city))
        assert person.browser_version in person.user_agent
        assert made.sentence(number).strip()


def test_names_are_of_the_locale() -> None:
    assert any("\u0590" <= char <= "\u05ff" for char in pool(0, "he_IL").person(0).name)
    assert any("\u4e00" <= char <= "\u9fff" for char in pool(0, "zh_CN").person(0).name)
    assert pool(0, "de_DE").person(0).country_code == "DE"
    assert pool(0, "pt_BR").person(0).language == "pt-BR"


@pytest.mark.parametrize(
    ("locale", "family_first"), [("hu_HU", True), ("ja_JP", True), ("cs_CZ", False), ("en_GB", False)]
)
def test_the_order_of_names_is_that_of_the_language(locale: str, family_first: bool) -> None:
    for number in range(10):
        person = pool(5, locale).person(number)
        parts = (person.last_name, person.first_name) if family_first else (person.first_name, person.last_name)
        assert person.name == " ".join(parts)


def test_czech_family_names_go_with_the_first_name() -> None:
    people = [pool(5, "cs_CZ").person(number) for number in range(60)]
    women = [person for person in people if person.last_name.endswith("ová")]
    assert 15 < len(women) < 45
    assert not any(
        person.first_name.endswith(("a", "e")) for person in people if person.last_name.endswith(("ek", "ý"))
    )


@pytest.mark.parametrize("locale", ["de_DE", "hu_HU", "pl_PL", "pt_BR", "cs_CZ"])
def test_the_address_is_made_of_the_name_and_nobody_shares_it(locale: str) -> None:
    people = [pool(2, locale).person(number) for number in range(100)]
    assert len({person.email for person in people}) == 100
    assert all(
        person.email[0] == person.email[0].lower() and "." in person.email.partition("@")[0] for person in people
    )


@pytest.mark.parametrize(
    ("locale", "numbers"),
    [
        ("en_US", r"\+1[2-9]\d\d55501\d\d"),
        ("en_GB", r"\+447700900\d{3}"),
        ("en_AU", r"\+61491570\d{3}"),
        ("de_DE", r"\+49(3023125|4066969|6990009|2214710|8999998)\d{3}"),
        ("fr_FR", r"\+33(19900|26191|35301|46571|53649|63998)\d{4}"),
        ("sv_SE", r"\+46(3139006|4062804|8465004)\d\d"),
        # No numbers of these countries begin so.
        ("hu_HU", r"\+360\d{8}"),
        ("es_ES", r"\+340\d{8}"),
        ("ja_JP", r"\+8109\d{8}"),
        ("it_IT", r"\+392\d{9}"),
        ("ru_RU", r"\+1[2-9]\d\d55501\d\d"),
    ],
)
def test_nobody_has_the_telephone_numbers(locale: str, numbers: str) -> None:
    assert all(re.fullmatch(numbers, pool(0, locale).person(number).phone) for number in range(40))


def test_japanese_addresses_are_transcriptions_of_the_names() -> None:
    assert all(
        re.fullmatch(rf"[a-z]+\.[a-z]+{number}@.*", pool(0, "ja_JP").person(number).email) for number in range(20)
    )


def test_a_name_in_another_script_is_not_in_the_address() -> None:
    assert pool(0, "ru_RU").person(4).email.partition("@")[0] == "mail4"


def test_half_of_the_visitors_come_with_a_phone() -> None:
    systems = [pool(0, "de_DE").person(number).system for number in range(300)]
    assert 0.4 < sum(system in ("Android", "iOS") for system in systems) / 300 < 0.65


@pytest.mark.parametrize(
    ("locale", "name"),
    [("de_DE", "Krebs GmbH"), ("en_US", "Krebs Inc."), ("ja_JP", "株式会社Krebs"), ("en_GB", "Krebs Ltd")],
)
def test_a_company_has_the_legal_form_of_its_country(locale: str, name: str) -> None:
    assert company("Krebs", locale) == name


def test_a_person_depends_on_seed_locale_and_number_only() -> None:
    forwards, backwards = Pool(1, "de_DE"), Pool(1, "de_DE")
    expected = [(forwards.person(n), forwards.sentence(n)) for n in range(20)]
    found = [(backwards.person(n), backwards.sentence(n)) for n in reversed(range(20))]
    assert found[::-1] == expected
    assert Pool(2, "de_DE").person(0) != expected[0][0]
    assert Pool(1, "de_AT").person(0) != expected[0][0]


def test_numbers_wrap_around() -> None:
    made = pool(1, "en_US")
    assert made.person(PEOPLE + 3) is made.person(3)
    assert made.sentence(SENTENCES + 3) is made.sentence(3)


@pytest.mark.parametrize("locale", ["it_IT", "de_DE", "ja_JP"])
def test_a_person_is_the_same_in_every_process(locale: str) -> None:
    """Whatever order Python gives its sets in a process."""
    script = (
        f"from vendorsim.conversation.people import pool; print([pool(7, {locale!r}).person(n) for n in range(20)])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
