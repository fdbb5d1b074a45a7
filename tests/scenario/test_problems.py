# ruff: noqa: E501
"""Every class of wrong scenario, and exactly what is said of it: place, what was found, what is valid."""

from __future__ import annotations

import jsonschema
import pytest
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.runs.library import load_text
from vendorsim.scenario import json_schema
from vendorsim.scenario.verbs import VERBS
from vendorsim.vendorkit import registry

TITLE = "scenario: T\n"
VENDORS = "vendors: [smartsupp]\n"
HEAD = TITLE + VENDORS
ANA = "cast: {agents: {ana: {}}}\n"
ALL_VERBS = ", ".join(VERBS)
ALL_VENDORS = ", ".join(registry.names())


def steps(*lines: str, head: str = HEAD) -> str:
    return head + "steps:\n" + "".join(f"  - {line}\n" for line in lines)


# Name, text, problems as line:column: message.
WRONG = [
    ("empty", "", ["1:1: the file is empty; a scenario needs 'scenario' and 'steps'"]),
    ("only a comment", "# nothing\n", ["1:1: the file is empty; a scenario needs 'scenario' and 'steps'"]),
    ("an empty document", "---\n", ["2:1: a scenario is a mapping with 'scenario' and 'steps', not nothing"]),
    ("a list", "- say: hi\n", ["1:1: a scenario is a mapping with 'scenario' and 'steps', not a list"]),
    ("a text", "hello\n", ["1:1: a scenario is a mapping with 'scenario' and 'steps', not the text 'hello'"]),
    (
        "nothing required is there",
        "{}\n",
        [
            "1:1: a scenario needs 'scenario': text",
            "1:1: a scenario needs 'steps': a list, each item a verb, or a mapping with a verb",
        ],
    ),
    ("no steps", TITLE, ["1:1: a scenario needs 'steps': a list, each item a verb, or a mapping with a verb"]),
    ("no title", "steps: [close]\n", ["1:1: a scenario needs 'scenario': text"]),
    (
        "steps is no list",
        TITLE + "steps: close\n",
        ["2:8: expected a list, each item a verb, or a mapping with a verb, found the text 'close'"],
    ),
    ("no step", TITLE + "steps: []\n", ["2:8: a scenario needs at least one step"]),
    ("a step that is a list", steps("[say]"), ["4:5: expected a verb, or a mapping with a verb, found a list"]),
    ("a step that is a number", steps("5"), ["4:5: expected a verb, or a mapping with a verb, found the number 5"]),
    ("a step that is nothing", steps(""), ["4:4: expected a verb, or a mapping with a verb, found nothing"]),
    ("empty title", "scenario: ''\nsteps: [close]\n", ["1:11: expected text, found empty text"]),
    (
        "title is a number",
        "scenario: 5\nsteps: [close]\n",
        ["1:11: expected text, found the number 5; put it in quotes to mean text"],
    ),
    (
        "unknown key",
        TITLE + "vendor: [smartsupp]\nsteps: [close]\n",
        ["2:1: unknown key in a scenario 'vendor'; did you mean 'vendors'?"],
    ),
    (
        "unknown key, nothing near",
        TITLE + "zzz: 1\nsteps: [close]\n",
        [
            "2:1: unknown key in a scenario 'zzz'; known: scenario, description, vendors, locale, seed, starts, vary, account, conversation, cast, steps"
        ],
    ),
    (
        "several problems in one run",
        "scenario: T\nseed: x\nlocle: de_DE\nvendors: [smartsup]\nsteps:\n  - sya: hi\n  - rate: 9\n",
        [
            "2:7: expected a whole number from 0 to 9223372036854775807, found the text 'x'",
            "3:1: unknown key in a scenario 'locle'; did you mean 'locale'?",
            "4:11: unknown vendor 'smartsup'; did you mean 'smartsupp'?",
            "6:5: unknown verb 'sya'; did you mean 'say'?",
            "7:11: expected a whole number from 1 to 5, found the number 9",
        ],
    ),
    (
        "unknown vendor",
        TITLE + "vendors: [smartsup]\nsteps: [close]\n",
        ["2:11: unknown vendor 'smartsup'; did you mean 'smartsupp'?"],
    ),
    (
        "vendors is a text",
        TITLE + "vendors: smartsupp\nsteps: [close]\n",
        [f"2:10: expected a list, each item a vendor ({ALL_VENDORS}), found the text 'smartsupp'"],
    ),
    (
        "no vendor",
        TITLE + "vendors: []\nsteps: [close]\n",
        [f"2:10: expected a list, each item a vendor ({ALL_VENDORS}), found an empty list"],
    ),
    (
        "a vendor twice",
        TITLE + "vendors: [smartsupp, userlike, smartsupp]\nsteps: [close]\n",
        ["2:32: 'smartsupp' stands here twice"],
    ),
    (
        "a vendor with nothing to do",
        TITLE + "vendors: [userlike, chatvisor]\nsteps: [close]\n",
        ["2:21: vendor 'chatvisor' has nothing to do: no step sends an event or waits for a call"],
    ),
    (
        "nothing to do, beside another problem",
        TITLE + "vendors: [userlike, chatvisor]\nlocale: de_DD\nsteps: [close]\n",
        [
            "2:21: vendor 'chatvisor' has nothing to do: no step sends an event or waits for a call",
            "3:9: unknown locale 'de_DD'; did you mean 'de_DE'?",
        ],
    ),
    (
        "ccai waits for no call",
        TITLE + "vendors: [ccai]\nsteps: [typing]\n",
        ["2:11: vendor 'ccai' has nothing to do: no step sends an event or waits for a call"],
    ),
    (
        "no vendor has anything to do",
        TITLE + "steps: [wait: 1s]\n",
        ["1:1: no step sends an event as any vendor; name the vendor in 'vendors'"],
    ),
    (
        "unknown locale",
        HEAD + "locale: de_DDE\nsteps: [close]\n",
        ["3:9: unknown locale 'de_DDE'; did you mean 'de_DE'?"],
    ),
    (
        "unknown region of a locale",
        HEAD + "locale: de_XX\nsteps: [close]\n",
        ["3:9: unknown locale 'de_XX'; known for 'de': de, de_AT, de_CH, de_DE, de_LI, de_LU"],
    ),
    (
        "a locale with a hyphen",
        HEAD + "locale: pt-br\nsteps: [close]\n",
        ["3:9: unknown locale 'pt-br'; did you mean 'pt_BR'?"],
    ),
    (
        "locale is a flag",
        HEAD + "locale: true\nsteps: [close]\n",
        ["3:9: expected a locale such as de_DE, found the flag true"],
    ),
    (
        "seed",
        HEAD + "seed: -1\nsteps: [close]\n",
        ["3:7: expected a whole number from 0 to 9223372036854775807, found the number -1"],
    ),
    (
        "seed with a fraction",
        HEAD + "seed: 1.0\nsteps: [close]\n",
        ["3:7: expected a whole number from 0 to 9223372036854775807, found the number 1.0"],
    ),
    (
        "starts without a zone",
        HEAD + "starts: 2026-01-05T09:00:00\nsteps: [close]\n",
        ["3:9: '2026-01-05T09:00:00' has no time zone; write it like 2026-01-05T09:00:00Z"],
    ),
    (
        "starts is a day",
        HEAD + "starts: 2026-01-05\nsteps: [close]\n",
        ["3:9: '2026-01-05' has no time zone; write it like 2026-01-05T09:00:00Z"],
    ),
    (
        "starts is no time",
        HEAD + "starts: tomorrow\nsteps: [close]\n",
        ["3:9: 'tomorrow' is not a date and time; write it like 2026-01-05T09:00:00Z"],
    ),
    (
        "starts is a number",
        HEAD + "starts: 1767603600\nsteps: [close]\n",
        ["3:9: expected a date and time such as 2026-01-05T09:00:00Z, found the number 1767603600"],
    ),
    (
        "starts too early",
        HEAD + "starts: 1969-12-31T23:59:59Z\nsteps: [close]\n",
        ["3:9: '1969-12-31T23:59:59Z' is outside 1970 to 2100"],
    ),
    (
        "account",
        HEAD + "account: {id: 0, nmae: Acme}\nsteps: [close]\n",
        [
            "3:15: expected a whole number from 1 to 9007199254740991, found the number 0",
            "3:18: unknown key in the account 'nmae'; did you mean 'name'?",
        ],
    ),
    (
        "conversation",
        HEAD + "conversation: {id: abc, name: x}\nsteps: [close]\n",
        [
            "3:20: expected a whole number from 1 to 9007199254740991, found the text 'abc'",
            "3:25: unknown key in the conversation 'name'; known: id",
        ],
    ),
    (
        "visitor",
        HEAD
        + "cast: {visitor: {nmae: X, email: 5, id: null, country_code: Germany, custom: {a: [1], b: {label: B}}}}\nsteps: [close]\n",
        [
            "3:18: unknown key in the visitor 'nmae'; did you mean 'name'?",
            "3:34: expected text, found the number 5; put it in quotes to mean text",
            "3:41: expected a whole number from 1 to 9007199254740991, found nothing",
            "3:61: expected two capital letters such as DE, found the text 'Germany'",
            "3:82: expected text, a number, true or false, found a list",
            "3:90: custom data needs 'value': text, a number, true or false",
        ],
    ),
    (
        "cast is a list",
        HEAD + "cast: []\nsteps: [close]\n",
        ["3:7: expected a mapping with visitor, agents, found a list"],
    ),
    (
        "agents",
        HEAD + "cast: {agents: {visitor: {}, ana: {nam: Ana}, bob: 5}}\nsteps: [close]\n",
        [
            "3:17: an agent can't be called 'visitor': the name is reserved",
            "3:36: unknown key in an agent 'nam'; did you mean 'name'?",
            "3:52: expected a mapping with id, name, email, group, avatar, found the number 5",
        ],
    ),
    (
        "agents is nothing",
        HEAD + "cast: {agents: }\nsteps: [close]\n",
        ["3:16: expected a mapping of agents, found nothing"],
    ),
    ("unknown verb", steps("sya: hi", "close"), ["4:5: unknown verb 'sya'; did you mean 'say'?"]),
    ("unknown bare verb", steps("clsoe"), ["4:5: unknown verb 'clsoe'; did you mean 'close'?"]),
    ("unknown verb, nothing near", steps("zzz: hi"), [f"4:5: unknown verb 'zzz'; known: {ALL_VERBS}"]),
    (
        "two verbs",
        steps("{say: hi, close: visitor}"),
        ["4:15: a step has one verb, and this one has 'say' already; start a new step"],
    ),
    (
        "three verbs",
        steps("{say: hi, close: visitor, miss: }"),
        [
            "4:15: a step has one verb, and this one has 'say' already; start a new step",
            "4:31: a step has one verb, and this one has 'say' already; start a new step",
        ],
    ),
    ("no verb", steps("{after: 6s}", "close"), [f"4:5: a step needs a verb: {ALL_VERBS}"]),
    (
        "misspelt modifier",
        steps("{say: hi, afer: 6s}", "close"),
        ["4:15: unknown key of a step 'afer'; did you mean 'after'?"],
    ),
    (
        "misspelt modifier before the verb",
        steps("{afer: 6s, say: hi}", "close"),
        ["4:6: unknown key of a step 'afer'; did you mean 'after'?"],
    ),
    (
        "a bare verb that needs arguments",
        steps("rate", "close"),
        ["4:5: 'rate' needs a whole number from 1 to 5, or a mapping with score, comment"],
    ),
    (
        "a verb that takes none",
        steps("{open_widget: yes}", "close"),
        ["4:19: 'open_widget' takes no arguments, found the text 'yes'"],
    ),
    (
        "unknown argument",
        steps("say: {by: visitor, txt: hi}", "close"),
        ["4:24: unknown key in 'say' 'txt'; did you mean 'text'?"],
    ),
    (
        "missing argument",
        steps("rate: {comment: x}", "close"),
        ["4:11: 'rate' needs 'score': a whole number from 1 to 5"],
    ),
    (
        "score",
        steps("rate: 6", "rate: five", "rate: '5'", "rate: 4.5", "close"),
        [
            "4:11: expected a whole number from 1 to 5, found the number 6",
            "5:11: expected a whole number from 1 to 5, found the text 'five'",
            "6:11: expected a whole number from 1 to 5, found the text '5'",
            "7:11: expected a whole number from 1 to 5, found the number 4.5",
        ],
    ),
    (
        "text is a number",
        steps("say: 5", "say: true", "say: null", "close"),
        [
            "4:10: expected text, found the number 5; put it in quotes to mean text",
            "5:10: expected text, found the flag true; put it in quotes to mean text",
        ],
    ),
    (
        "empty text",
        steps("say: ''", "say: {text: ' '}", "close"),
        [
            "4:5: 'say' has empty text and no attachments; leave 'text' out to have it made up",
            "5:5: 'say' has empty text and no attachments; leave 'text' out to have it made up",
        ],
    ),
    (
        "agent that is not in the cast",
        steps("join: anna", "say: {by: bob}", "close: nobody", head=HEAD + ANA),
        [
            "5:11: unknown agent of the cast 'anna'; did you mean 'ana'?",
            "6:15: unknown agent of the cast 'bob'; known: visitor, ana",
            "7:12: unknown agent of the cast 'nobody'; known: visitor, timeout, ana",
        ],
    ),
    ("agent, where there is none", steps("join: ana", "close"), ["4:11: unknown agent of the cast 'ana'; known: none"]),
    (
        "agent is a list",
        steps("join: [ana]", "close", head=HEAD + ANA),
        ["5:11: expected an agent of the cast, found a list"],
    ),
    (
        "assign",
        steps("assign: {team: 5}", "assign: {taem: X}", "assign: [ana]", "close", head=HEAD + ANA),
        [
            "5:20: expected text, found the number 5; put it in quotes to mean text",
            "6:13: 'assign' needs 'team': text",
            "6:14: unknown key in 'assign' 'taem'; did you mean 'team'?",
            "7:13: expected an agent of the cast, found a list",
        ],
    ),
    (
        "note by the visitor",
        steps("note: {by: visitor, text: x}", "close"),
        ["4:16: unknown agent of the cast 'visitor'; known: none"],
    ),
    ("close by nobody", steps("close: visitr"), ["4:12: unknown agent of the cast 'visitr'; did you mean 'visitor'?"]),
    ("channel", steps("start: cal", "close"), ["4:12: unknown channel 'cal'; did you mean 'call'?"]),
    (
        "page",
        steps(
            "navigate: {url: example.com}",
            "navigate: {title: x}",
            "navigate: x",
            "start: {page: {url: 'http://x.example/', tilte: y}}",
            "close",
        ),
        [
            "4:21: expected a URL that starts with http:// or https://, found the text 'example.com'",
            "5:15: a page needs 'url': a URL that starts with http:// or https://",
            "6:15: expected a mapping with url, title, found the text 'x'",
            "7:46: unknown key in a page 'tilte'; did you mean 'title'?",
        ],
    ),
    (
        "attachments",
        steps(
            "say: {attachments: [{url: 'http://x.example/a.png'}]}",
            "say: {attachments: [{name: a, size: -1}]}",
            "say: {attachments: {}}",
            "close",
        ),
        [
            "4:25: an attachment needs 'name': text",
            "5:41: expected a whole number from 0 to 1099511627776, found the number -1",
            "6:24: expected a list, each item text, or a mapping with name, url, content_type, size, found a mapping",
        ],
    ),
    (
        "labels",
        steps("label: [a, 5]", "label:", "label: {labels: x, y: z}", "close"),
        [
            "4:16: expected text, found the number 5; put it in quotes to mean text",
            "5:11: 'label' needs a list, each item text, or a mapping with labels",
            "6:24: unknown key in 'label' 'y'; known: labels",
        ],
    ),
    (
        "attributes",
        steps("attributes: [a]", "attributes", "close"),
        ["4:17: expected a mapping, found a list", "5:5: 'attributes' needs a mapping"],
    ),
    (
        "survey",
        steps("survey: [a]", "survey: {q: [1]}", "survey", "close"),
        [
            "4:13: expected text, found a list",
            "5:17: expected text, a number, true or false, found a list",
            "6:5: 'survey' needs an option, or a mapping of answers",
        ],
    ),
    (
        "operator",
        steps("operator: {who: ana, goes: onlin}", "operator: ana", "operator", "close", head=HEAD + ANA),
        [
            "5:32: unknown presence 'onlin'; did you mean 'online'?",
            "6:15: 'operator' takes a mapping with who, goes, found the text 'ana'",
            "7:5: 'operator' needs a mapping with who, goes",
        ],
    ),
    (
        "contact",
        steps(
            "contact: {}",
            "contact: {created: {}, updated: {}}",
            "contact: {craeted: {}}",
            "contact: {created: {nmae: x}}",
            "contact",
            "close",
        ),
        [
            "4:14: 'contact' needs exactly one of: created, updated",
            "5:14: 'contact' needs exactly one of: created, updated",
            "6:15: unknown key in 'contact' 'craeted'; did you mean 'created'?",
            "7:25: unknown key in a contact 'nmae'; did you mean 'name'?",
            "8:5: 'contact' needs a mapping with one of created, updated",
        ],
    ),
    ("typing", steps("typing: {active: maybe}", "close"), ["4:22: expected true or false, found the text 'maybe'"]),
    (
        "expect_call, an operation that there is not",
        steps("expect_call: messagehub.create_mesage", "expect_call: {call: sink.Crm}", "close"),
        [
            "4:18: unknown operation 'messagehub.create_mesage'; did you mean 'messagehub.create_message'?",
            "5:25: 'Crm' is not a name of a sink: 1 to 40 small letters, digits, hyphens and underscores, a letter first",
        ],
    ),
    (
        "expect_call, its arguments",
        steps(
            "expect_call: {call: sink.crm, times: twice, within: 5, wiht: {}}",
            "expect_call: {call: sink.crm, times: {at_least: 3, at_most: 2}, status: 2x}",
            "expect_call: {call: sink.crm, times: {}, with: {id: 1}}",
            "expect_call: {call: sink.crm, with: {/a: this.visitor.emial, /b: {matches: '('}, /c: {matches: 1}}}",
            "expect_call",
            "close",
        ),
        [
            "4:42: unknown number of times 'twice'; known: once, never",
            "4:57: expected a duration such as 6s, 250ms or 1.5h, found the number 5",
            "4:60: unknown key in 'expect_call' 'wiht'; did you mean 'with'?",
            "5:42: at_least (3) is more than at_most (2)",
            "5:77: expected an HTTP status such as 200, or a class such as 2xx, found the text '2x'",
            "6:42: any number of calls is expected; give at_least (from 1) or at_most",
            "6:53: expected a JSON pointer such as /message/text, found the text 'id'",
            "7:46: unknown value of the story 'this.visitor.emial'; did you mean 'this.visitor.email'? ({is: this.visitor.emial} is the text)",
            "7:80: '(' is not a regular expression: missing ), unterminated subpattern at position 0",
            "7:100: expected a regular expression, found the number 1",
            "8:5: 'expect_call' needs an operation (VENDOR.OPERATION), sink.NAME, or a method and a path (POST /path/{this}), or a mapping with call, with, times, status, within, quiet",
        ],
    ),
    (
        "sink",
        steps(
            "sink: CRM",
            "sink: {name: crm, answers: [{status: 99, latency: 2h, headers: {Date: now}}]}",
            "sink: {name: crm, answers: []}",
            "close",
        ),
        [
            "4:11: 'CRM' is not a name of a sink: 1 to 40 small letters, digits, hyphens and underscores, a letter first",
            "5:42: expected a whole number from 200 to 599, found the number 99",
            "5:55: a latency is at most 60s",
            "5:69: 'Date' is not a header that an answer can set",
            "6:32: a sink has 1 to 100 answers",
        ],
    ),
    (
        "authenticate",
        steps("authenticate: {identifier: 4711, within: 10, answer: duplicat}", "close"),
        [
            "4:32: expected text, found the number 4711; put it in quotes to mean text",
            "4:46: expected a duration such as 6s, 250ms or 1.5h, found the number 10",
            "4:58: unknown answer 'duplicat'; did you mean 'duplicate'?",
        ],
    ),
    (
        "probe",
        steps("probe: {status: open, within: 5s}", "probe: {/status: open, within: 5}", "probe: open", "close"),
        [
            "4:13: expected a JSON pointer such as /status, found the text 'status'",
            "5:36: expected a duration such as 6s, 250ms or 1.5h, found the number 5",
            "6:12: expected a mapping of JSON pointers (/status) to expected values, and within, found the text 'open'",
        ],
    ),
    (
        "wait",
        steps("wait: 5", "wait", "wait: soon", "close"),
        [
            "4:11: expected a duration such as 6s, 250ms or 1.5h, found the number 5",
            "5:5: 'wait' needs a duration such as 6s, 250ms or 1.5h, or a mapping with time",
            "6:11: 'soon' is not a duration; write a number and ms, s, m, h or d, such as 6s",
        ],
    ),
    (
        "durations",
        steps(
            "{close: , after: 5}",
            "{close: , after: -5s}",
            "{close: , after: 5 s}",
            "{close: , after: 5sec}",
            "{close: , after: 1h30m}",
            "{close: , after: 1.s}",
            "{close: , after: 4000d}",
            "{close: , after: ٣s}",
        ),
        [
            "4:22: expected a duration such as 6s, 250ms or 1.5h, found the number 5",
            "5:22: '-5s' is not a duration; write a number and ms, s, m, h or d, such as 6s",
            "6:22: '5 s' is not a duration; write a number and ms, s, m, h or d, such as 6s",
            "7:22: '5sec' is not a duration; write a number and ms, s, m, h or d, such as 6s",
            "8:22: '1h30m' is not a duration; write a number and ms, s, m, h or d, such as 6s",
            "9:22: '1.s' is not a duration; write a number and ms, s, m, h or d, such as 6s",
            "10:22: '4000d' is longer than ten years",
            "11:22: '٣s' is not a duration; write a number and ms, s, m, h or d, such as 6s",
        ],
    ),
    (
        "durations that add up",
        steps("{say: a, after: 3650d}", "{close: , after: 1ms}"),
        ["4:3: the pauses of the steps add up to more than ten years"],
    ),
    (
        "expect",
        steps(
            "{close: , expect: 200}",
            "{close: , expect: {status: 99}}",
            "{close: , expect: {status: [200, ok], within: 2, time: 1s}}",
        ),
        [
            "4:23: expected a mapping with status, within, found the number 200",
            "5:32: expected a whole number from 100 to 599, found the number 99",
            "6:38: expected a whole number from 100 to 599, found the text 'ok'",
            "6:51: expected a duration such as 6s, 250ms or 1.5h, found the number 2",
            "6:54: unknown key in 'expect' 'time'; known: status, within",
        ],
    ),
    (
        "fault",
        steps("{close: , fault: {dupliacte: 1}}", "{close: , fault: duplicate}", "{close: , fault: {truncate: 2}}"),
        [
            "4:23: unknown fault 'dupliacte'; did you mean 'duplicate'?",
            "5:22: expected a mapping of fault names to arguments, such as {duplicate: 1}, found the text 'duplicate'",
            "6:33: fault truncate: expected a share of the body from 0 up to 1 such as 0.5, found '2'; write it like {truncate: 0.5}",
        ],
    ),
    (
        "only",
        steps("{close: , only: smartsup}", "{close: , only: []}", "{close: , only: [smartsupp, smartsupp]}"),
        [
            "4:21: unknown vendor 'smartsup'; did you mean 'smartsupp'?",
            f"5:21: expected a list, each item a vendor ({ALL_VENDORS}), found an empty list",
            "6:33: 'smartsupp' stands here twice",
        ],
    ),
    (
        "as on a verb without a message",
        steps("{close: , as: end}"),
        ["4:19: 'as' names a message, and 'close' makes none"],
    ),
    ("as twice", steps("{say: a, as: m}", "{say: b, as: m}", "close"), ["5:18: another message is called 'm' already"]),
    (
        "as is a number",
        steps("{say: a, as: 5}", "close"),
        ["4:18: expected text, found the number 5; put it in quotes to mean text"],
    ),
    (
        "message reference",
        steps(
            "{say: a, as: first}",
            "edit: {message: fist, text: b}",
            "edit: {message: 2, text: b}",
            "edit: {message: 0, text: b}",
            "delete: -2",
            "delete: 1.5",
            "delete: true",
            "edit: {message: first}",
            "close",
        ),
        [
            "5:21: unknown message 'fist'; did you mean 'first'?",
            "6:21: there is no message 2; messages before this step: 1",
            "7:21: there is no message 0; messages before this step: 1",
            "8:13: there is no message -2; messages before this step: 1",
            "9:13: expected the name of an earlier message, or its number (1 is the first, -1 the last), or "
            "'conversation', or 'contact', found the number 1.5",
            "10:13: expected the name of an earlier message, or its number (1 is the first, -1 the last), or "
            "'conversation', or 'contact', found the flag true",
            "11:11: 'edit' needs 'text': text",
        ],
    ),
    (
        "reference to a later message",
        steps("{say: a, as: one}", "delete: two", "{say: b, as: two}", "close"),
        ["5:13: unknown message 'two'; known: one, conversation, contact"],
    ),
    (
        "reference to oneself",
        steps("{edit: {message: me, text: x}, as: me}", "say: a", "close"),
        ["4:22: unknown message 'me'; known: none", "4:40: 'as' names a message, and 'edit' makes none"],
    ),
    (
        "reference to a misspelt step",
        steps("{sya: a, as: one}", "delete: one", "close"),
        ["4:6: unknown verb 'sya'; did you mean 'say'?"],
    ),
    (
        "reference to a step that is left out",
        TITLE
        + "vendors: [userlike, messagehub]\nsteps:\n  - {say: a, as: m, only: userlike}\n  - delete: m\n  - close\n",
        ["5:5: as messagehub: the message 'm' does not exist here; the step that makes it is left out"],
    ),
    (
        "reference to a number that is left out",
        TITLE
        + "vendors: [smartsupp, userlike, messagehub]\nsteps:\n  - {say: a, only: userlike}\n  - delete: 1\n  - close\n",
        ["5:5: as smartsupp, messagehub: there is no message 1 here; the conversation has 0"],
    ),
    (
        "duplicate keys",
        HEAD + "scenario: U\nsteps:\n  - say: hi\n    after: 1s\n    after: 2s\n  - close\n",
        [
            "3:1: duplicate key 'scenario'; the first one is in line 1",
            "7:5: duplicate key 'after'; the first one is in line 6",
        ],
    ),
    (
        "duplicate keys, one in quotes",
        TITLE + "'scenario': U\n" + VENDORS + "steps: [close]\n",
        ["2:1: duplicate key 'scenario'; the first one is in line 1"],
    ),
    ("a key that is a list", HEAD + "? [a]\n: b\nsteps: [close]\n", ["3:3: a key must be text, not a list"]),
    (
        "a second document",
        HEAD + "steps: [close]\n---\nscenario: U\n",
        ["4:1: a second document starts here; one file holds one document"],
    ),
    (
        "unclosed bracket",
        TITLE + "vendors: [smartsupp\nsteps: [close]\n",
        ["3:6: not valid YAML: did not find expected ',' or ']'"],
    ),
    ("unclosed quote", "scenario: 'T\nsteps: [close]\n", ["3:1: not valid YAML: found unexpected end of stream"]),
    (
        "wrong indentation",
        TITLE + "steps:\n  - say: hi\n   after: 1s\n",
        ["4:4: not valid YAML: this line is indented unlike the list it stands in"],
    ),
    (
        "a bare verb with a modifier",
        steps("say: hi", "miss\n    after: 5s"),
        ["5:5: not valid YAML: 'miss' has keys below it, so it needs a colon: write 'miss:'"],
    ),
    (
        "a bare verb with a comment and a modifier",
        steps("miss  # nobody comes\n    after: 5s"),
        ["4:5: not valid YAML: 'miss' has keys below it, so it needs a colon: write 'miss:'"],
    ),
    ("a tab", TITLE + "steps:\n\t- close\n", ["3:1: not valid YAML: a tab can't indent; use spaces"]),
    (
        "a colon in a text",
        steps("say: Note: this"),
        ["4:14: not valid YAML: a ':' is not allowed here; a text with ': ' in it needs quotes"],
    ),
    (
        "a tag",
        "scenario: !!python/object:os.system T\nsteps: !mine [close]\n",
        [
            "1:11: tag 'tag:yaml.org,2002:python/object:os.system' is not supported; write the value without it",
            "2:8: tag '!mine' is not supported; write the value without it",
        ],
    ),
    (
        "a tag that does not fit",
        HEAD + "seed: !!int x\nsteps: [close]\n",
        [
            "3:7: 'x' is not a value of type int",
            "3:7: expected a whole number from 0 to 9223372036854775807, found the text 'x'",
        ],
    ),
    ("an unknown alias", HEAD + "steps: *s\n", ["3:8: alias '*s' refers to no anchor before it"]),
    ("an alias of itself", HEAD + "steps: &s [*s]\n", ["3:12: alias '*s' refers to no anchor before it"]),
    (
        "merge of a text",
        HEAD + "steps:\n  - {<<: x, say: hi}\n  - close\n",
        ["4:10: '<<' merges a mapping or a list of mappings, not the text 'x'"],
    ),
    (
        "control character",
        "scenario: T\x07\nsteps: [close]\n",
        ["1:12: not valid YAML: control characters are not allowed"],
    ),
    (
        "infinity",
        HEAD + "seed: .inf\nsteps: [attributes: {a: .nan}, close]\n",
        [
            "3:7: expected a whole number from 0 to 9223372036854775807, found the number .inf",
            "3:7: infinity and not-a-number can't be sent as JSON",
            "4:25: infinity and not-a-number can't be sent as JSON",
        ],
    ),
    (
        "too large a number",
        HEAD + "seed: 99999999999999999999\nsteps: [close]\n",
        [
            "3:7: expected a whole number from 0 to 9223372036854775807, found the number 99999999999999999999",
            "3:7: the number is too large; write it in quotes to mean text",
        ],
    ),
    (
        "problems stay on one line",
        HEAD + 'steps:\n  - "sa\\ny\\e[31m"\n',
        [f"4:5: unknown verb 'sa\\ny\\x1b[31m'; known: {ALL_VERBS}"],
    ),
    (
        "a step used twice has its problem once",
        HEAD + "steps:\n  - &a {sya: hi}\n  - *a\n  - *a\n",
        ["4:9: unknown verb 'sya'; did you mean 'say'?"],
    ),
]

# What a JSON Schema can't know: the state of the story, the cast's names, sums, lists of another program.
BEYOND_THE_SCHEMA = {
    "a vendor with nothing to do",
    "nothing to do, beside another problem",
    "ccai waits for no call",
    "no vendor has anything to do",
    "unknown locale",
    "unknown region of a locale",
    "seed with a fraction",
    "starts too early",
    "empty text",
    "agent that is not in the cast",
    "agent, where there is none",
    "note by the visitor",
    "close by nobody",
    "durations that add up",
    "as twice",
    "reference to a later message",
    "reference to a step that is left out",
    "reference to a number that is left out",
}

SCHEMA = jsonschema.Draft202012Validator(json_schema(registry.vocabulary()))


@pytest.mark.parametrize(("text", "expected"), [pytest.param(text, said, id=name) for name, text, said in WRONG])
def test_every_problem_is_told_with_its_place_and_the_closest_valid_name(text: str, expected: list[str]) -> None:
    with pytest.raises(DocumentError) as caught:
        load_text(text, "wrong.yaml")
    assert str(caught.value).splitlines() == [f"wrong.yaml:{line}" for line in expected]


def _readable() -> list[object]:
    """The wrong scenarios that are at least sound YAML: the others never reach a schema."""
    found = []
    for name, text, _ in WRONG:
        problems = Problems(name)
        root = read(text, problems)
        if root is not None and not problems.found:
            found.append(pytest.param(name, plain(root), id=name))
    return found


@pytest.mark.parametrize(("name", "document"), _readable())
def test_an_editor_with_the_json_schema_refuses_the_same_files(name: str, document: object) -> None:
    assert SCHEMA.is_valid(document) == (name in BEYOND_THE_SCHEMA)
