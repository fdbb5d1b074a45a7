"""All settings of a widget, as the older callback `chat_widget` tells them.

The names and types are those of its sample (grokify/chathooks, docs/handlers/userlike,
example__chat_widget__config.json). The values are the sample's where they are switches, numbers or words of a fixed
set; texts and addresses are made up.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Conversation
from vendorsim.vendors.userlike import payloads

_SITE = "https://www.example.com"

# The settings that `payloads.widget` does not have.
_SETTINGS: dict[str, Any] = {
    # Sound, typing, and what the chat says by itself. {{name}} is replaced by the widget.
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
    # What the visitor is told when something is in the way.
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
    # The form while nobody is there.
    "offline_message_body": "Leave a message; we will write to you.",
    "offline_message_default_textarea": "Your message",
    "offline_message_enter_email": "Your e-mail address",
    "offline_message_enter_name": "Your name",
    "offline_message_header": "We are away",
    "offline_message_response": "Thank you. You will hear from us.",
    "offline_message_send_screenshot": "Add a screenshot",
    # What is asked before and after.
    "optional_registration": False,
    "post_survey_question": "How satisfied are you?",
    "pre_survey_enabled": True,
    "pre_survey_question": "What is it about?",
    "rating_question": "Did this chat help you?",
    "register_additional01_default": "Your telephone number",
    "register_additional01_enabled": False,
    "register_additional01_name": payloads.PHONE,
    "register_additional01_optional": True,
    "register_additional02_default": "Your company",
    "register_additional02_enabled": False,
    "register_additional02_name": "Company name",
    "register_additional02_optional": True,
    "register_additional03_default": "Your customer number",
    "register_additional03_enabled": False,
    "register_additional03_name": payloads.CUSTOMER_ID,
    "register_additional03_optional": True,
    "register_body": "Please tell us who you are",
    "register_enter_email": "Your e-mail address",
    "register_enter_name": "Your name",
    "register_header": "Welcome",
}


def all_settings(conversation: Conversation) -> dict[str, Any]:
    """All settings of a widget before anybody has changed one."""
    known = payloads.widget(conversation)
    static = "userlike.example.com/static/chat"
    own = {
        "javascript_loader_url": f"{static}/widgets/{known['widget_key']}.js",
        "logo_upload_url": f"{static}/logos/{known['widget_key']}.png",
        "logo_url": f"{_SITE}/logo.gif",
    }
    return {**known, **_SETTINGS, **own}
