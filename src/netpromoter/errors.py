"""What netpromoter raises: one root, few leaves.

Catch `NetPromoterError` for everything, or a leaf. A leaf that you would catch as a built-in is also that built-in.
"""

from __future__ import annotations

__all__ = [
    "ChannelDown",
    "Conflict",
    "IllegalMove",
    "InvalidArgument",
    "InvalidRating",
    "InvalidToken",
    "MissingDependency",
    "MissingRatings",
    "NetPromoterError",
    "NoHistogram",
    "NoRatings",
    "NoTruthValue",
    "NotErased",
    "PluginError",
    "PollClosed",
    "ScaleWarning",
    "StoreClosed",
    "Uncertain",
    "UnreadableFile",
]


class NetPromoterError(Exception):
    """The root of every error that netpromoter raises on purpose."""


class InvalidArgument(NetPromoterError, ValueError):
    """An argument breaks its rule; the message names the argument, the rule and the value."""


class InvalidRating(NetPromoterError, ValueError):
    """An answer is not a whole number on the scale; the message gives the first one, its position and the count."""


class InvalidToken(NetPromoterError, ValueError):
    """A token is not one that is valid here and now; the message does not say why, as respondents may see it.

    Attributes
    ----------
    reason : str
        Why, for a log: "malformed", "unknown key", "wrong signature", "other purpose", "expired", or "no message" where
        the person was forgotten.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("token must be valid here and now (got one that is not)")
        self.reason = reason


class MissingRatings(NetPromoterError, ValueError):
    """Some answers are missing and the caller has not said ``missing="drop"``."""


class NoRatings(NetPromoterError, ValueError):
    """Nobody answered, and the score of nobody is not a number."""


class NoHistogram(NetPromoterError, AttributeError):
    """A score made from three counts is asked for what only the eleven counts know."""


class NoTruthValue(NetPromoterError, TypeError):
    """A condition is used as if it were true or false, which it is only for somebody."""


class UnreadableFile(NetPromoterError, ValueError):
    """A file cannot be read as the table that it should be; the message says why and where."""


class MissingDependency(NetPromoterError, ImportError):
    """An optional library is not installed; the message names the extra that brings it."""


class ChannelDown(NetPromoterError, ConnectionError):
    """A channel cannot carry anything now, and the message that it was given was not sent."""


class Uncertain(NetPromoterError, ConnectionError):
    """A channel does not know whether the message that it was given was sent; nobody may send it again unasked."""


class Conflict(NetPromoterError, RuntimeError):
    """Something was written since the caller looked, and so nothing was written now."""


class IllegalMove(NetPromoterError, ValueError):
    """A case cannot go where it was to go; the message says where it stands and where it may go."""


class StoreClosed(NetPromoterError, RuntimeError):
    """A store is used after it was closed, in a process that inherited it, or after a transaction failed midway."""


class PollClosed(NetPromoterError, RuntimeError):
    """A poll takes no ballots any more, and does not say who cast one."""


class NotErased(NetPromoterError, TimeoutError):
    """What was deleted is still in a file, since somebody else reads or writes it: forget again."""


class PluginError(NetPromoterError, RuntimeError):
    """A plugin offers what it must not, or its store does not open; the message names plugin, rule and value."""


class ScaleWarning(UserWarning):
    """The answers are valid, but look as if the question was asked on another scale than 0 to 10."""
