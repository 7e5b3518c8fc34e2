"""What is received from people, about which message it is, and that it is this program's to hear.

Several programs share one store, and the key of their links. So whoever follows a link may name a message of any of
them, and what is said about it is written by the program of its survey alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from netpromoter._checks import check_contact, refusal, texts
from netpromoter.errors import Conflict, InvalidToken
from netpromoter.model import Coded, Declined, Event, Message, Responded, Response, Scheduled, Sent, instant, survey_of
from netpromoter.plugins import Store

from ._links import LinkPurpose, Links

__all__ = ["Receiving"]

#: What an answer takes over from the message that it answers.
_ASKED = (
    "survey",
    "kind",
    "revision",
    "occasion",
    "contact",
    "arm",
    "step",
    "channel",
    "destination",
    "snapshot",
)


class Receiving:
    """What people say about the messages of a survey, and of the one by which detractors are asked again.

    Parameters
    ----------
    store : Store
        Where it is kept.
    links : Links
        What reads the links in messages.
    survey, recovery : str
        The keys of the two surveys, which may be one.
    """

    def __init__(self, store: Store, links: Links, survey: str, recovery: str) -> None:
        self._store, self._links, self._recovery = store, links, recovery
        self._surveys = tuple(dict.fromkeys([survey, recovery]))
        self._messages: dict[str, str] = {}
        self._read = 0

    # -- messages ------------------------------------------------------------------------------------------------------

    def linked(self, token: str, purpose: LinkPurpose, at: datetime) -> Message:
        """Give the message, of any survey, that a link names; one of somebody who was forgotten leads nowhere."""
        message = self._find(self._links.read(token, purpose, at=at).value)
        found = None if message is None else self._adopted(message)
        if found is None:
            raise InvalidToken("no message")
        return found

    def _find(self, reference: str) -> str | None:
        """Give the id of the message that a link names; the ledger is read once, and then what is new."""
        if reference not in self._messages:
            for entry in self._store.entries(kinds=(Scheduled,), after=self._read):
                message = getattr(entry.event, "message", None)
                names = self._links.references(message.id) if isinstance(message, Message) else ()
                self._messages |= dict.fromkeys(names, getattr(message, "id", ""))
                self._read = entry.position
        return self._messages.get(reference)

    def adopted(self, message: str) -> Message:
        """Give a message of any survey."""
        found = self._adopted(message)
        if found is None:
            raise refusal("message", "the id of a message that was adopted", message)
        return found

    def _adopted(self, message: str) -> Message | None:
        found = next(iter(self._store.entries(ids=[f"scheduled/{message}"])), None)
        return found.event.message if found is not None and isinstance(found.event, Scheduled) else None

    def last_destination(self, contact: str | None) -> int:
        """Give the destination of the last message to somebody; 0 if there was none."""
        entries = self._store.entries(contacts=[check_contact(contact)], kinds=(Scheduled,))
        sent = [entry.event.message.destination for entry in entries if isinstance(entry.event, Scheduled)]
        return sent[-1] if sent else 0

    def _own(self, message: str) -> Message:
        """Give a message that this program may hear about, and no employee's, who answers without a name."""
        found = self.adopted(message)
        if found.survey not in self._surveys:
            raise refusal("message", f"the id of a message of {self._named}", message)
        if found.kind == "employee":
            raise refusal("message", "that of no employee, whose answer is cast by poll and without a name", message)
        return found

    @property
    def _named(self) -> str:
        return " or ".join(map(repr, self._surveys))

    # -- answers -------------------------------------------------------------------------------------------------------

    def answer(self, message: str, *, at: datetime, **said: Any) -> Response:
        """Write an answer; nobody else writes one to the same message meanwhile, which would have the same id."""
        instant("at", at)
        with self._store.exclusive():
            asked = self._own(message)
            known = self._known(asked, Responded, Scheduled, Sent)
            response = self._response(asked, known, {**said, "at": _not_before(asked, known, at)})
            if not self._store.append([Responded(response=response)]):
                raise Conflict(f"message {message!r} is of somebody who was forgotten since it was looked at")
        return response

    def _known(self, asked: Message, *kinds: type) -> list[Event]:
        return [entry.event for entry in self._store.entries(contacts=[asked.contact], kinds=kinds)]

    def _response(self, asked: Message, known: Sequence[Event], said: Mapping[str, Any]) -> Response:
        drawn = _invitation(asked, known)
        return Response(
            ordinal=max((each.ordinal for each in _answers(asked, known)), default=-1) + 1,
            stratum=drawn.stratum,
            probability=drawn.probability,
            purpose="recovery" if asked.survey == self._recovery else "score",
            **said,
            **{name: getattr(asked, name) for name in _ASKED},
        )

    def decline(self, message: str, at: datetime) -> None:
        """Write that somebody will not answer."""
        instant("at", at)
        asked = self._own(message)
        at = _not_before(asked, self._known(asked, Scheduled, Sent), at)
        place: Any = {name: getattr(asked, name) for name in ("survey", "kind", "occasion", "contact")}
        self._store.append([Declined(at=at, **place)])

    # -- codes ---------------------------------------------------------------------------------------------------------

    def code(self, codes: Mapping[str, Iterable[str]], coder: str, at: datetime) -> int:
        """Write what comments are about; give how many codes were new."""
        if not isinstance(codes, Mapping):
            raise refusal("codes", "a mapping of ids of answers to their codes", codes)
        named = {each: texts(f"codes[{each!r}]", some) for each, some in codes.items()}
        found = {each.event.id: each.event for each in self._store.entries(ids=[f"responded/{each}" for each in codes])}
        for each in codes:
            event = found.get(f"responded/{each}")
            if not isinstance(event, Responded) or event.response.survey not in self._surveys:
                raise refusal("codes", f"by ids of answers to {self._named}", each)
        given = [Coded(response=each, code=code, coder=coder, at=at) for each, some in named.items() for code in some]
        return len(self._store.append(given))

    def codes(self) -> dict[str, list[str]]:
        """Give the codes of answers by their ids, each once, in the order in which they were given."""
        found: dict[str, dict[str, None]] = {}
        for entry in self._store.entries(kinds=(Coded,)):
            event: Any = entry.event
            if survey_of(event.response) in self._surveys:
                found.setdefault(event.response, {})[event.code] = None
        return {response: list(given) for response, given in found.items()}


def _invitation(message: Message, known: Iterable[Event]) -> Message:
    """Give the message with which an occasion began, to which its draw belongs; the message itself if none is known."""
    sent = (event.message for event in known if isinstance(event, Scheduled))
    place = message.survey, message.occasion
    return next((each for each in sent if not each.step and (each.survey, each.occasion) == place), message)


def _not_before(message: Message, known: Iterable[Event], at: datetime) -> datetime:
    """Give the instant of what somebody says about a message: not before it, or another of its occasion, left.

    The clocks of those who send and of those who hear differ, and who seemed to have answered before is reminded.
    """
    events = list(known)
    adopted = [event.message for event in events if isinstance(event, Scheduled)]
    asked = {each.id for each in adopted if (each.survey, each.occasion) == (message.survey, message.occasion)}
    left = [event.at for event in events if isinstance(event, Sent) and event.message in asked]
    return max([at, message.due, *left])


def _answers(message: Message, known: Iterable[Event]) -> list[Response]:
    """Give the answers to the survey and the occasion of a message."""
    given = [event.response for event in known if isinstance(event, Responded)]
    return [each for each in given if (each.survey, each.occasion) == (message.survey, message.occasion)]
