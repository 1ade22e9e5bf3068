"""The operator's pages of chat; each registers itself."""

from __future__ import annotations

from chat import article_preview, conversation_admin, feedback_admin, settings_admin, turn_admin

__all__ = ["article_preview", "conversation_admin", "feedback_admin", "settings_admin", "turn_admin"]
