"""`vendorsim capture scrub`: personal data out, meaning kept."""

from __future__ import annotations

import base64
import gzip
import json
import stat
from pathlib import Path
from typing import Any

import planted
import pytest
from command_line import Completed, Vendorsim
from hypothesis import example, given, settings
from hypothesis import strategies as st
from receiver import Receiver
from vendorsim.captures.files import Item, Kind
from vendorsim.captures.scrubbing.schemas import Schemas
from vendorsim.captures.scrubbing.scrubber import Choices, RemainsError, Scrubber
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry

SCRUB = ("capture", "scrub")
SENDING = [name for name in registry.names() if registry.get(name).default_profile.events]
PLANTED = ("--vendor", planted.VENDOR, "--profile", planted.PROFILE)


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scrubbed(vendorsim: Vendorsim, data: bytes, *options: Any, vendor: str = "messagehub") -> Completed:
    """Scrubs a capture and gives the new one as the output."""
    result = vendorsim(*SCRUB, "-", "--vendor", vendor, "-o", "out", "--seed", 1, *options, input=data)
    assert result.code == 0, result.err
    return result


def body(**changes: Any) -> dict[str, Any]:
    return planted.message("Hello", planted.contact("Dana Kessler", "dana@kessler-mail.org", None, 884_300)) | changes


def only(vendorsim: Vendorsim, document: Any, *options: Any) -> Any:
    """The scrubbed form of one document."""
    scrubbed(vendorsim, json.dumps(document).encode(), *options)
    return json.loads(Path("out").read_bytes())


class TestPlantedData:
    """The corpus of planted.py, searched by code of its own."""

    def test_all_of_it_is_there_before(self) -> None:
        given = planted.capture().decode()
        everything = planted.GONE + planted.GONE_WORDS + planted.GONE_DIGITS + planted.GONE_IDS
        assert set(planted.left(given, ids=True)) == set(everything)
        assert planted.lost(given) == []

    @pytest.mark.parametrize("ids", [False, True])
    def test_leaves_no_trace_and_what_is_harmless_stays(self, vendorsim: Vendorsim, ids: bool) -> None:
        Path("hooks.har").write_bytes(planted.capture())
        result = vendorsim(*SCRUB, "hooks.har", *PLANTED, "-o", "clean.har", "--seed", 7, *(["--ids"] if ids else []))
        assert (result.code, result.err) == (0, "")
        output = Path("clean.har").read_text()
        assert planted.left(output, ids=ids) == []
        assert planted.lost(output) == []
        assert not any(each in output for each in planted.TAKEN_FOR_NAMES)

    def test_the_report_names_places_and_no_values(self, vendorsim: Vendorsim) -> None:
        Path("hooks.har").write_bytes(planted.capture())
        result = vendorsim(
            *SCRUB, "hooks.har", *PLANTED, "-o", "clean.har", "--ids", "--report", "report.json", "--json"
        )
        report = json.loads(Path("report.json").read_bytes())
        assert result.json == report
        assert planted.left(json.dumps(report, ensure_ascii=False), ids=True) == []
        rows = {(row["where"], row["pointer"], row["kind"]): row["count"] for row in report["replaced"]}
        assert rows["message_created", "/sender/email", "email"] == 6
        assert rows["contact_updated", "/changed_attributes/*/name/previous_value", "name"] == 2
        assert ("message_created", "/content_attributes/*", "email") in rows
        assert ("HAR", "/request/headers/*/value", "token") in rows

    def test_the_bodies_keep_their_contract_and_the_sizes_are_right(self, vendorsim: Vendorsim) -> None:
        Path("hooks.har").write_bytes(planted.capture())
        assert vendorsim(*SCRUB, "hooks.har", *PLANTED, "-o", "clean.har").code == 0
        before = json.loads(Path("hooks.har").read_bytes())["log"]["entries"]
        after = json.loads(Path("clean.har").read_bytes())["log"]["entries"]
        for old, new in zip(before, after, strict=True):
            size = len(new["request"]["postData"]["text"].encode())
            headers = {each["name"]: each["value"] for each in new["request"]["headers"]}
            assert (new["request"]["bodySize"], headers["Content-Length"]) == (size, str(size))
            assert violations(new) == violations(old)


def violations(entry: Any) -> list[tuple[str, str]]:
    document = json.loads(entry["request"]["postData"]["text"])
    event = registry.get(planted.VENDOR).profile(planted.PROFILE).identify(document)
    assert event is not None
    found = contracts.contract(planted.VENDOR, planted.PROFILE).violations(event, document)
    return [(each.pointer, each.rule) for each in found]


class TestTheSameOne:
    """One person is the same made-up one everywhere."""

    def test_in_texts_urls_and_fields(self, vendorsim: Vendorsim) -> None:
        document = body(content="DANA KESSLER, dana, Dana's; https://shop.example/?u=Dana%20Kessler")
        new = only(vendorsim, document)
        first, last = new["sender"]["name"].split()
        assert new["content"] == (
            f"{first.upper()} {last.upper()}, {first.lower()}, {first}'s; https://shop.example/?u={first}%20{last}"
        )
        assert new["sender"]["email"].startswith(f"{first.lower()}@")

    @pytest.mark.parametrize(
        ("name", "letters"),
        [
            ("Őrsi Tünde", "Latin"),
            ("高橋 健太", "CJK"),
            ("Ольга Смирнова", "CYRILLIC"),
            ("Νίκος Παππάς", "GREEK"),
            ("김 민수", "HANGUL"),
        ],
    )
    def test_in_the_same_script_and_about_as_long(self, vendorsim: Vendorsim, name: str, letters: str) -> None:
        import unicodedata

        new = only(vendorsim, body(sender=planted.contact(name, None, None, 884_300)))["sender"]["name"]
        assert new != name
        assert all(letters.upper() in unicodedata.name(each) for each in new if each.isalpha())
        assert abs(len(new) - len(name)) <= 4
        assert len(new.split()) == 2

    def test_different_ones_stay_different(self, vendorsim: Vendorsim) -> None:
        lines = [body(sender=planted.contact(f"Dana Kessler{'abcdefgh'[n]}", f"d{n}@x.org", None, n)) for n in range(8)]
        scrubbed(vendorsim, "\n".join(map(json.dumps, lines)).encode())
        new = [json.loads(line)["sender"] for line in Path("out").read_text().splitlines()]
        assert len({each["name"] for each in new}) == 8
        assert len({each["email"] for each in new}) == 8
        assert len({each["email"].partition("@")[2] for each in new}) == 1

    def test_same_seed_same_bytes(self, vendorsim: Vendorsim) -> None:
        data = planted.capture()
        outputs = []
        for seed in (1, 1, 2):
            scrubbed(vendorsim, data, "--profile", planted.PROFILE, *() if seed == 1 else ("--keep", "/none"))
            outputs.append(Path("out").read_bytes())
        assert outputs[0] == outputs[1] == outputs[2]
        vendorsim(*SCRUB, "-", *PLANTED, "-o", "out", "--seed", 2, input=data)
        assert Path("out").read_bytes() != outputs[0]

    def test_without_a_seed_nobody_can_compute_the_originals(self, vendorsim: Vendorsim) -> None:
        document = json.dumps(body()).encode()
        outputs = set()
        for _ in range(2):
            assert vendorsim(*SCRUB, "-", "--vendor", "messagehub", "-o", "out", input=document).code == 0
            outputs.add(Path("out").read_bytes())
        assert len(outputs) == 2


class TestForms:
    """The new capture has the form of the old one."""

    def test_spelling_of_json_is_kept(self, vendorsim: Vendorsim) -> None:
        text = (
            '{ "event": "message_created",\n  "sender": {"name": "J\\u00fcrgen", "type": "contact"},'
            ' "url": "https:\\/\\/x.org\\/J\\u00fcrgen", "n": 1.50, "big": 123456789012345678901234567890,'
            ' "twice": "Jürgen", "twice": "JÜRGEN" }'
        )
        scrubbed(vendorsim, text.encode())
        new = Path("out").read_text().rstrip("\n")
        name = json.loads(new)["sender"]["name"]
        ascii_name = json.dumps(name)[1:-1]
        assert new == (
            text.replace("/J\\u00fcrgen", f"/{ascii_name}")
            .replace("J\\u00fcrgen", ascii_name)
            .replace("Jürgen", name)
            .replace("JÜRGEN", name.upper())
        )

    @pytest.mark.parametrize("form", ["lines", "array", "document", "raw", "gz"])
    def test_is_that_of_the_input(self, vendorsim: Vendorsim, form: str) -> None:
        text = json.dumps(body())
        data = {
            "lines": f"{text}\n\n{text}\n",
            "array": f"[{text}, {text}]",
            "document": json.dumps(body(), indent=2),
            "raw": f"POST /hook HTTP/1.1\r\nHost: x.org\r\nContent-Length: {len(text)}\r\n\r\n{text}\r\n",
            "gz": f"{text}\n{text}\n",
        }[form].encode()
        name = f"hooks.{form}"
        Path(name).write_bytes(gzip.compress(data) if form == "gz" else data)
        result = vendorsim(*SCRUB, name, "--vendor", "messagehub", "-o", f"out.{form}", "--seed", 1)
        assert result.code == 0, result.err
        new = Path(f"out.{form}").read_bytes()
        new = gzip.decompress(new) if form == "gz" else new
        assert b"Kessler" not in new
        assert b"message_created" in new
        if form in ("lines", "gz"):
            assert len(list(map(json.loads, new.splitlines()))) == 2
        elif form == "array":
            assert len(json.loads(new)) == 2
        elif form == "document":
            assert new.count(b"\n") == data.count(b"\n") + 1
        else:
            head, _, content = new.partition(b"\r\n\r\n")
            length = len(content.removesuffix(b"\r\n"))
            assert f"Content-Length: {length}".encode() in head

    def test_only_the_user_can_read_it(self, vendorsim: Vendorsim) -> None:
        scrubbed(vendorsim, json.dumps(body()).encode(), "--report", "report.json")
        assert {stat.S_IMODE(Path(each).stat().st_mode) for each in ("out", "report.json")} == {0o600}

    def test_a_folder_becomes_a_folder(self, vendorsim: Vendorsim) -> None:
        for name in ("2.json", "10.json", "more/Dana Kessler.json"):
            path = Path("captured", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(body()))
        Path("captured/notes.pdf").write_bytes(b"%PDF")
        result = vendorsim(*SCRUB, "captured", "--vendor", "messagehub", "-o", "clean", "--json")
        assert result.code == 0
        outputs = [file["output"] for file in result.json["files"]]
        assert outputs[:2] == ["clean/2.json", "clean/10.json"]
        assert outputs[2].startswith("clean/more/")
        assert "Kessler" not in outputs[2]
        assert all(Path(each).is_file() for each in outputs)
        assert [each["place"] for each in result.json["skipped"]] == ["captured/notes.pdf"]

    @pytest.mark.parametrize("vendor", SENDING)
    def test_an_exported_journal_and_a_journal(self, vendorsim: Vendorsim, vendor: str) -> None:
        with Receiver() as receiver:
            to = ("--to", receiver.url(), "--journal", "j.sqlite")
            assert vendorsim("play", "everyday-chat", "--vendor", vendor, *to).code == 0
        exported = vendorsim("journal", "export", "--journal", "j.sqlite").out
        Path("exported.jsonl").write_text(exported)
        for file in ("exported.jsonl", "j.sqlite"):
            result = vendorsim(*SCRUB, file, "--vendor", vendor, "-o", "out.jsonl", "--seed", 3)
            assert result.code == 0, result.err
            judged = vendorsim("validate", "--vendor", vendor, "out.jsonl")
            assert judged.code == 0, judged.out
            for before, after in zip(exported.splitlines(), Path("out.jsonl").read_text().splitlines(), strict=True):
                old, new = json.loads(before), json.loads(after)
                assert old["event"] == new["event"]
                assert (
                    f"content-length: {len(new['request']['body']['text'].encode())}" in new["request"]["head"].lower()
                )


class TestWhatIsReplaced:
    @pytest.mark.parametrize(
        ("field", "value", "gone"),
        [
            ("note", "call +44 7911 123456", "7911"),
            ("note", "call 0176-2345 6789", "23456789"),
            ("note", "from 84.2.33.147 to [2a02:ab88:1d2::1f]", "84.2.33.147"),
            ("note", "card 5500-0000-0000-0004", "5500-0000-0000-0004"),
            ("note", f"token {planted.JWT}", planted.JWT),
            ("api_key", "abcd-1234-efgh", "abcd-1234-efgh"),
            ("firstName", "Zoltán", "Zoltán"),
            ("callback", "https://u:hunter22@x.org/a?password=hunter22", "hunter22"),
            ("date_of_birth", "1980-02-03", "1980"),
            ("note", base64.b64encode(b"mail me at nobody@kessler-mail.org").decode(), "bm9ib2R5"),
        ],
    )
    def test_by_recognisers(self, vendorsim: Vendorsim, field: str, value: str, gone: str) -> None:
        new = only(vendorsim, body(content_attributes={field: value}))["content_attributes"][field]
        assert gone not in new
        assert len(new) == pytest.approx(len(value), abs=12)

    @pytest.mark.parametrize(
        "value",
        [
            "Chrome/130.0.0.0 and version 10.15.7.2-beta",
            "2026-01-05 09:00:00, 05.01.2026, 09:00:00",
            "Order 4711-0815, 3 of 12, SKU 12345678",
            "127.0.0.1 and 192.0.2.7",
            "136.0.0.0",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "***",
        ],
    )
    def test_and_what_is_not(self, vendorsim: Vendorsim, value: str) -> None:
        assert only(vendorsim, body(content_attributes={"x": value}))["content_attributes"]["x"] == value

    def test_a_token_that_reaches_over_several_parts_of_a_url(self, vendorsim: Vendorsim) -> None:
        entry = planted.entry(body(), 0)
        secret = "a1b2c3/d4e5f6=77;part"
        entry["request"]["headers"] = [{"name": "X-Api-Token", "value": secret}]
        entry["request"]["url"] = f"https://x.org/hook/{secret}?page=2"
        new = only(vendorsim, {"log": {"entries": [entry]}})["log"]["entries"][0]["request"]
        assert new["url"] == f"https://x.org/hook/{new['headers'][0]['value']}?page=2"
        assert secret not in new["url"]

    def test_an_address_in_a_messenger_is_that_of_the_number(self, vendorsim: Vendorsim) -> None:
        """Integrations read the number from it."""
        sender = planted.contact("Dana Kessler", None, "+36201234567", 884_300)
        sender["identifier"] = "36201234567@s.whatsapp.net"
        new = only(vendorsim, body(sender=sender, content="not 36201234567@mail-of-acme.hu"))
        assert new["sender"]["phone_number"] != sender["phone_number"]
        assert new["sender"]["identifier"] == f"{new['sender']['phone_number'].lstrip('+')}@s.whatsapp.net"
        assert "mail-of-acme" not in new["content"]

    def test_a_name_that_comes_about_by_chance_in_a_key(self, vendorsim: Vendorsim) -> None:
        sender = planted.contact("Jose Kessler", None, "+36201234567", 884_300)
        key = "bBmRqP5n0vQD9lCNsZPCi0DXItIXO9Jose1795912561966"
        triggered = {"event": "webwidget_triggered", "id": 1, "contact": sender, "source_id": key}
        assert only(vendorsim, triggered)["source_id"] == key
        login = json.dumps(triggered | {"source_id": "shop_jose_1795912561966_login"}).encode()
        done = vendorsim(*SCRUB, "-", "--vendor", "messagehub", "-o", "out", input=login)
        assert (done.code, "a personal value (name) is left at /source_id" in done.err) == (1, True)

    def test_numbers_that_are_made_up_already(self, vendorsim: Vendorsim) -> None:
        """What stands for a number is never the number of somebody else."""
        numbers = [f"+1{201 + n}55501{n:02}" for n in range(60)]
        lines = [body(sender=planted.contact("Dana Kessler", None, number, 884_300)) for number in numbers]
        scrubbed(vendorsim, "\n".join(map(json.dumps, lines)).encode())
        new = [json.loads(line)["sender"]["phone_number"] for line in Path("out").read_text().splitlines()]
        assert len(set(new)) == 60
        assert not set(new) & set(numbers)

    def test_texts_if_asked_for(self, vendorsim: Vendorsim) -> None:
        content = "My parcel is late.\nWhere is it? I am in Kőszeg."
        assert only(vendorsim, body(content=content))["content"] == content
        new = only(vendorsim, body(content=content), "--text")["content"]
        assert "parcel" not in new
        assert [len(line) for line in new.split("\n")] == pytest.approx([len(x) for x in content.split("\n")], abs=12)

    def test_ids_if_asked_for(self, vendorsim: Vendorsim) -> None:
        lines = [body(id=55_001, note="see 884300"), body(id=55_002, conversation={"id": 55_001, "884300": 1})]
        data = "\n".join(map(json.dumps, lines)).encode()
        scrubbed(vendorsim, data)
        assert json.loads(Path("out").read_text().splitlines()[0])["id"] == 55_001
        scrubbed(vendorsim, data, "--ids")
        first, second = map(json.loads, Path("out").read_text().splitlines())
        assert first["id"] == second["conversation"]["id"] != 55_001
        assert first["note"] == f"see {first['sender']['id']}"
        assert list(second["conversation"]) == ["id", str(first["sender"]["id"])]
        assert len(str(first["id"])) == 5

    def test_keep_and_replace(self, vendorsim: Vendorsim) -> None:
        document = body(content_attributes={"colour": "burgundy", "items": [{"sku": "AB-12"}, {"sku": "CD-34"}]})
        options = ("--keep", "/sender/name", "--replace", "colour", "--replace", "/content_attributes/items/*/sku")
        new = only(vendorsim, document, *options)
        assert new["sender"]["name"] == "Dana Kessler"
        assert new["sender"]["email"] != "dana@kessler-mail.org"
        attributes = new["content_attributes"]
        assert attributes["colour"] != "burgundy"
        assert len(attributes["colour"]) == 8
        skus = [item["sku"] for item in attributes["items"]]
        assert all(sku[2] == "-" and sku not in ("AB-12", "CD-34") for sku in skus)

    def test_a_field_that_is_not_there_is_told(self, vendorsim: Vendorsim) -> None:
        told = scrubbed(vendorsim, json.dumps(body()).encode(), "--keep", "/sendr/name").err
        assert told == "note: the capture has no field /sendr/name\n"

    def test_a_picture_in_a_har_is_left_out(self, vendorsim: Vendorsim) -> None:
        entry = planted.entry(body(), 0)
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n\xff\xfe").decode()
        entry["response"]["content"] = {"size": 10, "mimeType": "image/png", "text": picture, "encoding": "base64"}
        new = only(vendorsim, {"log": {"entries": [entry]}})["log"]["entries"][0]["response"]["content"]
        assert new == {"size": 0, "mimeType": "image/png", "text": "", "encoding": "base64"}

    def test_compressed_bodies_stay_compressed(self, vendorsim: Vendorsim) -> None:
        entry = planted.entry(body(), 0)
        packed = gzip.compress(json.dumps(body()).encode())
        entry["request"]["headers"].append({"name": "Content-Encoding", "value": "gzip"})
        entry["request"]["postData"] = {
            "mimeType": "application/json",
            "text": base64.b64encode(packed).decode(),
            "_encoding": "base64",
        }
        new = only(vendorsim, {"log": {"entries": [entry]}})["log"]["entries"][0]["request"]["postData"]["text"]
        document = json.loads(gzip.decompress(base64.b64decode(new)))
        assert document["event"] == "message_created"
        assert "Kessler" not in document["sender"]["name"]

    def test_compressed_bodies_of_a_journal_stay_compressed(self, vendorsim: Vendorsim) -> None:
        packed = base64.b64encode(gzip.compress(json.dumps(body()).encode())).decode()
        head = "POST /hook HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n"
        request = {"head": head, "body": {"text": packed, "encoding": "base64"}}
        line = {
            "type": "attempt",
            "event": "message_created",
            "vendor": "messagehub",
            "request": request,
            "answer": None,
        }
        new = only(vendorsim, line)["request"]["body"]["text"]
        document = json.loads(gzip.decompress(base64.b64decode(new)))
        assert document["event"] == "message_created"
        assert "Kessler" not in document["sender"]["name"]


class TestNothingIsWritten:
    def test_if_something_is_left(self, vendorsim: Vendorsim) -> None:
        """A mail address in a field with fixed values is no mail address for the scrubber, and is found in the end."""
        document = body(message_type="dana@kessler-mail.org")
        result = vendorsim(*SCRUB, "-", "--vendor", "messagehub", "-o", "out", input=json.dumps(document).encode())
        assert result.code == 1
        assert result.err == (
            "Error: -: a personal value (email) is left at /message_type, so nothing was written; "
            "replace that field with --replace, or keep it with --keep\n"
        )
        assert list(Path().iterdir()) == []

    @pytest.mark.parametrize(
        ("arguments", "data", "message"),
        [
            (("-", "-o", "out"), b"", "-: the file is empty"),
            (("-", "-o", "out"), b"hello", "-:1:1: not JSON: "),
            (("gone.har", "-o", "out"), b"", "gone.har: can't be read: No such file or directory"),
            (("-", "-o", "nul\0"), b"{}", "'nul\\x00': can't be written: it is not a file name"),
            (("-", "-o", "out", "--keep", ""), b"{}", "--keep is empty; write a JSON pointer"),
            (("-", "-o", "-", "--json"), b"{}", "--json and -o - both print on standard output"),
            (("-", "-", "-o", "-"), b"{}", "-: several files need a folder; name one with -o"),
            (("-", "-o", "out", "-o", "out"), b"{}", "-o is given 2 times"),
        ],
    )
    def test_for_bad_input(self, vendorsim: Vendorsim, arguments: tuple[str, ...], data: bytes, message: str) -> None:
        result = vendorsim(*SCRUB, *arguments, "--vendor", "messagehub", input=data)
        assert result.code == 2
        assert message in result.err
        assert list(Path().iterdir()) == []

    def test_over_the_capture_itself(self, vendorsim: Vendorsim) -> None:
        Path("hooks.json").write_text(json.dumps(body()))
        result = vendorsim(*SCRUB, "hooks.json", "--vendor", "messagehub", "-o", "hooks.json")
        assert result.code == 2
        assert result.err == "Error: hooks.json: is the capture itself; write into another file\n"

    def test_what_can_not_be_read_is_named_and_the_rest_goes_on(self, vendorsim: Vendorsim) -> None:
        good = json.dumps(body()).encode()
        result = scrubbed(vendorsim, good + b'\n{"event": \n' + good + b"\n")
        assert result.err.startswith("left out: -:2:11: not JSON: ")
        assert len(Path("out").read_text().splitlines()) == 2


PARTS = st.sampled_from(
    [
        "Kovács Anna",
        "anna@acme.hu",
        "+36 20 123 4567",
        "84.2.33.147",
        "Jo",
        "%C3%A1",
        "https://x.org/",
        "山田",
        "={",
        '"',
    ]
)
TEXTS = st.lists(PARTS | st.text(max_size=8), max_size=5).map("".join)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.sampled_from(["name", "id", "url"]), inner),
    max_leaves=12,
)


@settings(max_examples=60)
@example([[{}, "jo@mail.example"]], False, False)
@given(st.lists(DOCUMENTS, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_any_document_keeps_its_shape(documents: list[Any], ids: bool, texts: bool) -> None:
    """Whatever a document holds: it is JSON again of the same structure, or something personal is told to be left."""
    vendor = registry.get("messagehub")
    scrubber = Scrubber(Schemas(vendor, vendor.default_profile.name), Choices(ids=ids, texts=texts), seed=1)
    items = [Item(str(n), Kind.LINE, each, json.dumps(each).encode()) for n, each in enumerate(documents)]
    for item in items:
        scrubber.collect(item)
    for item in items:
        try:
            new = json.loads(scrubber.write(item))
        except RemainsError:
            continue
        assert shape(new) == shape(item.document)


def shape(document: Any) -> Any:
    """The types of a document; keys may change, and two of them become one."""
    if isinstance(document, dict):
        return dict
    return [shape(each) for each in document] if isinstance(document, list) else type(document)
