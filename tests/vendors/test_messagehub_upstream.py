"""docs/vendors/messagehub_upstream.py: the contracts compared with a checkout, here one written for the tests."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "vendors" / "messagehub_upstream.py"
WEBHOOK = "app/listeners/webhook_listener.rb"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messagehub_upstream", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


upstream = load()


class Texts(dict[str, str]):
    """The files of a checkout, by path."""

    def read(self, path: str) -> str | None:
        return self.get(path)


# Not Chatwoot's code: small classes in the ways of Ruby that its own are written in.
TEXTS = {
    "config/app.yml": "shared: &shared\n  version: '4.13.0'\n",
    WEBHOOK: """
class WebhookListener
  def message_created(event)
    message = take(event)
    return unless message.sent?

    payload = message.webhook_data.merge(event: __method__.to_s)
    deliver(payload)
  end

  def contact_created(event)
    payload = event.data[:contact].webhook_data.merge(event: __method__.to_s)
    payload[:more] = event.data[:more]
    deliver(payload)
  end

  def typing(event)
    about(__method__.to_s, event)
  end

  private

  def about(name, event)
    payload = { event: name, user: event.data[:user].webhook_data, secret: !event.data[:open] }
    deliver(payload)
  end

  def deliver(payload); end
end
""",
    "app/listeners/agent_bot_listener.rb": """
class AgentBotListener
  def conversation_opened(event)
    payload = conversation.webhook_data.merge(event: 'conversation_opened')
    deliver(payload)
  end
end
""",
    "app/models/message.rb": """# == Schema Information
#
# Table name: messages
#
#  id      :integer          not null, primary key
#  content :text
#  status  :integer          default("sent")
#
class Message
  def push_event_data
    data = attributes.symbolize_keys.merge(
      number: number.to_i, # a comment, with a comma
      conversation: conversation.present? ? small : nil
    )
    data[:echo_id] = echo_id if echo_id.present?
    with_sender(data)
  end

  def small
    { assignee_id: conversation.assignee_id }
  end

  def with_sender(data)
    data.merge!(sender: sender.push_event_data) if sender
    data
  end

  def webhook_data
    data = {
      id: id,
      "text": text.presence || '(none, "yet")',
      conversation: conversation.webhook_data,
      sender: sender.try(:webhook_data)
    }
    data[:attachments] = attachments.map(&:push_event_data) if attachments.present?
    data
  end
end
""",
    "app/models/attachment.rb": """
class Attachment
  def push_event_data
    return unless kind
    return base.merge(place) if kind == :location

    base.merge(details)
  end

  def base
    { id: id }
  end

  def place
    { latitude: latitude }
  end

  def details
    case kind
    when :audio
      base.merge({ text: text })
    else
      file? ? { size: size } : { url: url }
    end
  end
end
""",
    "app/models/contact.rb": """
class Contact
  def push_event_data
    data = { id: id, type: 'contact' }
    data[:company] = company if account.companies?
    data
  end

  def webhook_data
    { id: id, account: account.webhook_data }
  end
end
""",
    "app/models/user.rb": """
class User
  def push_event_data
    { id: id, name: name }
  end

  def webhook_data
    { id: id, email: email }
  end
end
""",
    "app/models/agent_bot.rb": "class AgentBot\n  def push_event_data\n    { id: id, bot: true }\n  end\nend\n",
    "app/models/account.rb": "class Account\n  def webhook_data\n    { id: id }\n  end\nend\n",
    "app/models/conversation.rb": """
class Conversation
  def assigned_entity
    assignee_agent_bot || assignee
  end
end
""",
    "app/models/concerns/push_data_helper.rb": """
module PushDataHelper
  def webhook_data
    Conversations::EventDataPresenter.new(self).webhook_data
  end
end
""",
    "app/presenters/conversations/event_data_presenter.rb": """
class Conversations::EventDataPresenter
  def push_data
    {
      id: display_id,
      messages: newest,
      meta: { assignee: assigned_entity&.push_event_data },
      **times
    }
  end

  def webhook_data
    push_data.merge(account: account.webhook_data)
  end

  def newest
    [messages.where(account_id: account_id).chat.last&.push_event_data].compact
  end

  def times
    { created_at: created_at.to_i }
  end
end
""",
    "enterprise/app/presenters/enterprise/conversations/event_data_presenter.rb": """
module Enterprise::Conversations::EventDataPresenter
  def push_data
    if account.feature_enabled?('sla')
      super.merge(sla: sla)
    else
      super
    end
  end
end
""",
}
CONVERSATION = [
    *("/account", "/account/id", "/created_at", "/id", "/messages", "/messages/content", "/messages/conversation"),
    *("/messages/conversation/assignee_id", "/messages/echo_id", "/messages/id", "/messages/number"),
    *("/messages/sender", "/messages/sender/bot", "/messages/sender/company", "/messages/sender/id"),
    *("/messages/sender/name", "/messages/sender/type", "/messages/status", "/meta", "/meta/assignee"),
    *("/meta/assignee/bot", "/meta/assignee/id", "/meta/assignee/name", "/sla"),
]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("conversation_opened", [*CONVERSATION, "/event"]),
        ("contact_created", ["/account", "/account/id", "/event", "/id", "/more"]),
        (
            "typing",
            ["/event", "/secret", "/user", "/user/account", "/user/account/id", "/user/email", "/user/id"],
        ),
        (
            "message_created",
            [
                *("/attachments", "/attachments/id", "/attachments/latitude", "/attachments/size"),
                *("/attachments/text", "/attachments/url", "/conversation"),
                *(f"/conversation{path}" for path in CONVERSATION),
                *("/event", "/id", "/sender", "/sender/account", "/sender/account/id", "/sender/email", "/sender/id"),
                "/text",
            ],
        ),
    ],
)
def test_the_attributes_that_ruby_sends(event: str, expected: list[str]) -> None:
    ruby = upstream.Ruby(Texts(TEXTS))
    listener = upstream.BOT_LISTENER if event == "conversation_opened" else upstream.LISTENER
    assert sorted(path for path, _ in ruby.body(listener, event).paths()) == sorted(expected)


def test_the_events_are_those_before_private() -> None:
    assert upstream.Ruby(Texts(TEXTS)).events(WEBHOOK) == ["message_created", "contact_created", "typing"]


def checkout(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_what_only_one_side_has_is_listed_event_by_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upstream.main([str(checkout(tmp_path, TEXTS))]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Chatwoot 4.13.0, observed-4.13"
    start = lines.index("  contact_created:")
    assert lines[start + 1 : start + 3] == ["    + /more  only upstream", "    - /account/name  only in the contract"]
    assert lines[lines.index("  typing:") + 1] == "    + (the event)  only upstream"


def test_tags_are_read_by_git_and_the_output_can_be_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    checkout(tmp_path, TEXTS)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    git("tag", "v4.8.0")
    assert upstream.main([str(tmp_path / ".git"), "--tag", "v4.8.0", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["version"], found["profile"]) == ("4.8.0", "observed-4.8")
    assert found["events"][0].keys() == {"event", "only_upstream", "only_here", "both"}


def test_a_contract_that_agrees_has_exit_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bodies of 2.5 as Ruby hashes, made of our own contract."""
    ours = upstream.contract("messagehub", "observed-2.5")
    listener = "class WebhookListener\n"
    for event in ours.events:
        names = {path.split("/")[1] for path in upstream.fields(ours.node(event)) if path}
        hashed = ", ".join(f"{name}: {name}" for name in sorted(names))
        listener += f"  def {event}(event)\n    payload = {{ {hashed} }}\n  end\n"
    texts = {WEBHOOK: listener + "end\n", "app/listeners/agent_bot_listener.rb": "class AgentBotListener\nend\n"}
    texts["config/app.yml"] = "version: '2.5.0'"
    assert upstream.main([str(checkout(tmp_path, texts))]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  0 of 8 events differ"


@pytest.mark.parametrize(
    ("texts", "arguments", "message"),
    [
        ({}, (), "HEAD names no version"),
        ({"config/app.yml": "version: '4.13.0'", WEBHOOK: ""}, (), "agent_bot_listener.rb is missing"),
        ({**TEXTS, "config/app.yml": "version: '9.0.0'"}, (), "no profile plays 9.0.0: observed-2.5 to observed-4.18"),
        ({WEBHOOK: ""}, (), "config/app.yml names no version"),
    ],
)
def test_what_can_not_be_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: dict[str, str], arguments: tuple[str, ...], message: str
) -> None:
    assert upstream.main([str(checkout(tmp_path, texts)), *arguments]) == 2
    assert message.replace("HEAD names", "config/app.yml names") in capsys.readouterr().err
