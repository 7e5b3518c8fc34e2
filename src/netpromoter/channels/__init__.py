"""What carries messages: mail by SMTP, an outbox and a console to try things with, webhooks, and Apprise."""

from ._apprise import AppriseChannel
from ._console import ConsoleChannel
from ._outbox import OutboxChannel
from ._smtp import Security, SmtpChannel
from ._webhook import WebhookChannel

__all__ = ["AppriseChannel", "ConsoleChannel", "OutboxChannel", "Security", "SmtpChannel", "WebhookChannel"]
