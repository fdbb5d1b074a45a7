"""A story that is told in no time, for tests of what is done with it."""

STORY = """\
scenario: Short chat
vendors: [userlike, messagehub, smartsupp]
starts: 2026-01-05T09:00:00Z
cast:
  visitor: {name: Dana Kessler, identifier: crm-4711}
  agents: {ana: {name: Ana Novak}}
steps:
  - say: Grüße 👋
  - join: ana
    after: 5s
  - say: {by: ana, text: Hi}
    after: 1m
  - close: {by: ana}
    after: 10m
"""
"""Five events of Userlike over eleven minutes; no seed of its own."""
OF_USERLIKE = 5
