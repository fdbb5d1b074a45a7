"""The settings of a widget, and the callback about them.

The names and types of `all_settings` are those of the sample of the older callback `chat_widget` (grokify/chathooks,
docs/handlers/userlike, example__chat_widget__config.json). Values that are switches, numbers or words of a fixed set
are those of the sample; texts and URLs are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendorsim.conversation.state import Account, Conversation
from vendorsim.core.seeding import derive
from vendorsim.vendors.userlike.bodies.people import CUSTOMER_ID, PHONE

_SITE = "https://www.example.com"

# The settings that `known_settings` does not have.
_SETTINGS: dict[str, Any] = {
    # Sound, typing, and automatic texts. The widget replaces {{name}}.
    "audio_message_received": True,
    "audio_message_sent": False,
    "audio_only_inactive": True,
    "chat_is_typing": "{{name}} is typing",
    "chat_me": "You",
    "chat_stopped_typing": "{{name}} has stopped typing",
    "emit_chat_state": True,
    "default_message": "Hello, I am {{name}}. How can I help?",
    "default_textarea": "Write here",
    "forward_message": "{{name}} will go on from here.",
    "quit_message": "{{name}} has left.",
    # Look.
    "colorscheme_hi": "rgba(40,90,160,0.7)",
    "colorscheme_lo": "rgba(40,90,160,0.2)",
    "custom_css": "",
    "custom_header": "",
    "drag_enabled": True,
    "favicon_enabled": True,
    "font": "sans-serif",
    "hide_button": False,
    "hide_poweredby": False,
    "logo_mode": "userlike",
    "operator_picture_style": "square",
    "tab_color_css": "#285aa0",
    "tab_color_png": "green",
    "tab_form_css": "big",
    "tab_icon": "comments-alt",
    "tab_text": "chat",
    "tab_text_label": "May we help?",
    "tab_type": "css",
    "text_color": "rgba(60,60,60,1)",
    "transition_duration": 100,
    # Privacy.
    "data_privacy": False,
    "data_privacy_link": f"{_SITE}/privacy",
    "data_privacy_name": "Privacy",
    "delete_empty_transcripts": True,
    "disclaimer_headline": "About this chat",
    "disclaimer_show": False,
    "disclaimer_text": "What you write here is kept by the shop that you write to.",
    "show_data_privacy_link": False,
    # Social networks.
    "facebook_app_id": "100000000000000",
    "facebook_connect": "disabled",
    "facebook_integration": "load",
    "facebook_like_enabled": True,
    "facebook_like_headline": "Tell your friends",
    "facebook_like_href": _SITE,
    "facebook_like_layout": "standard",
    "facebook_like_show_faces": False,
    "facebook_like_verb": "like",
    "twitter_follow_show_username": True,
    "twitter_follow_user": "example",
    "twitter_headline": "Follow us",
    "twitter_integration": "load",
    "twitter_mention_text": "Helped at once",
    "twitter_mention_user": "example",
    "twitter_share_hashtag": "example",
    "twitter_share_show_count": True,
    "twitter_share_text": "A chat that helps",
    "twitter_share_url": "",
    "twitter_share_via": "example",
    "twitter_type": "share",
    # Messages about problems.
    "feedback_download_link": "Download: ",
    "feedback_error": "That did not work. Please try again.",
    "feedback_expired": "This chat is closed for good.",
    "feedback_invite_video_meeting": "Let us meet by video: ",
    "feedback_no_cookies": "Please allow cookies for this chat.",
    "feedback_offline": "Nobody is here at the moment.",
    "feedback_quota": "No more chats this month.",
    "feedback_transfer": "The chat goes on in another window.",
    # How it works.
    "force_ssl": False,
    "geo_type": "ip",
    "group_select_enabled": False,
    "group_select_headline": "Whom would you like to talk to?",
    "inactivity_action": False,
    "inactivity_message": "One moment, please.",
    "inactivity_mode": "none",
    "links_offsite": "new",
    "links_onsite": "same",
    "mobile_mode": "enabled",
    "mobile_reduced_size": True,
    "mode_registration": False,
    "mode_remote": False,
    "operator_group_chat_meta": False,
    "operator_group_offline_message": False,
    "passive_connect": False,
    "proactive_message": "{{name}} here. May I help?",
    "proactive_passive_connect": True,
    "proactive_timeout": 5,
    "screenshot_command_enabled": True,
    "screenshot_enabled": True,
    "wildcard_cookie": False,
    # The form for offline messages.
    "offline_message_body": "Leave a message; we will write to you.",
    "offline_message_default_textarea": "Your message",
    "offline_message_enter_email": "Your e-mail address",
    "offline_message_enter_name": "Your name",
    "offline_message_header": "We are away",
    "offline_message_response": "Thank you. You will hear from us.",
    "offline_message_send_screenshot": "Add a screenshot",
    # Questions before and after the chat.
    "optional_registration": False,
    "post_survey_question": "How satisfied are you?",
    "pre_survey_enabled": True,
    "pre_survey_question": "What is it about?",
    "rating_question": "Did this chat help you?",
    "register_additional01_default": "Your telephone number",
    "register_additional01_enabled": False,
    "register_additional01_name": PHONE,
    "register_additional01_optional": True,
    "register_additional02_default": "Your company",
    "register_additional02_enabled": False,
    "register_additional02_name": "Company name",
    "register_additional02_optional": True,
    "register_additional03_default": "Your customer number",
    "register_additional03_enabled": False,
    "register_additional03_name": CUSTOMER_ID,
    "register_additional03_optional": True,
    "register_body": "Please tell us who you are",
    "register_enter_email": "Your e-mail address",
    "register_enter_name": "Your name",
    "register_header": "Welcome",
}


def widget_id(account: Account) -> int:
    """The id of the account's only widget: the one that was chosen, or else that of the account (assumed)."""
    return account.id if account.inbox is None else account.inbox


def chat_widget(account: Account, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The account's widget in a chat. `settings` are its changed settings."""
    return {"id": widget_id(account), "name": settings.get("name", account.name)}


def known_settings(conversation: Conversation) -> dict[str, Any]:
    """The settings with a known meaning, before any change."""
    account = conversation.account
    widget = widget_id(account)
    key = "".join(f"{derive(widget, 'widget', part):016x}" for part in range(4))
    site = "https://userlike.example.com"
    script = f"userlike.example.com/static/chat/widgets/{key}.js"
    return {
        "id": widget,
        "widget_id": widget,
        "customer_id": account.id,
        "operator_group_id": conversation.default_agent().group_id,
        "widget_version": 2,
        "name": account.name,
        "lang": conversation.locale.partition("_")[0],
        "locale": conversation.locale,
        "widget_key": key,
        "widget_type": "d",
        "widget_external_type": "web",
        "offline_mode": "message",
        "orientation": "bottomRight",
        "tracking": "disabled",
        "status_url": f"{site}/status/{widget}",
        "test_url": f"{site}/test/{widget}",
        "custom_url": f"{site}/custom/{widget}",
        "rating_enabled": True,
        "post_survey_enabled": True,
        "mode_proactive": False,
        "is_default": False,
        "post_survey_option01": "Very dissatisfied",
        "post_survey_option02": "Dissatisfied",
        "post_survey_option03": "Satisfied",
        "post_survey_option04": "Very satisfied",
        "pre_survey_option01": "Product",
        "pre_survey_option02": "Delivery",
        "pre_survey_option03": "Support",
        "pre_survey_option04": "",
        "goals": [],
        "chat_inactive_timeout": 600,
        "inactivity_timeout": 60,
        "cookie_expire": 365,
        "javascript_loader_snippet": f'<script type="text/javascript" src="https://{script}"></script>',
    }


def widget_config(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The callback with the settings of a widget. `kind` is its type."""
    return {"_type": kind, "_event": "config", **settings}


def all_settings(conversation: Conversation) -> dict[str, Any]:
    """All settings of a widget before any change."""
    known = known_settings(conversation)
    static = "userlike.example.com/static/chat"
    own = {
        "javascript_loader_url": f"{static}/widgets/{known['widget_key']}.js",
        "logo_upload_url": f"{static}/logos/{known['widget_key']}.png",
        "logo_url": f"{_SITE}/logo.gif",
    }
    return {**known, **_SETTINGS, **own}
