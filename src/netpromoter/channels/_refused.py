"""What a channel will not carry."""

from __future__ import annotations

from datetime import timedelta

from netpromoter.model import Message, Receipt

__all__ = ["Refused"]


class Refused(Exception):
    """A message is refused: by the channel itself, or by the service that was to carry it."""

    def __init__(self, reason: str, *, permanent: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after

    def receipt(self, message: Message) -> Receipt:
        """Say it of a message."""
        return Receipt.failed(message, self.reason, permanent=self.permanent, retry_after=self.retry_after)
