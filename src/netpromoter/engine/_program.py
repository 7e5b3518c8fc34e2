"""A program: one survey with its rules, its store and its channels, and everything that happens between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from netpromoter._checks import check_contact, count, one_of, refusal
from netpromoter.insight import Loop
from netpromoter.model import (
    Bounced,
    Event,
    Forgotten,
    Message,
    OptedIn,
    OptedOut,
    Purpose,
    Responded,
    Response,
    Scheduled,
    Survey,
    Touches,
    WaveDrawn,
    Withheld,
    instant,
)
from netpromoter.plugins import BallotBox, Channel, Plugins, Store, load_plugins
from netpromoter.rules import (
    DEFAULT_RULES,
    Audience,
    Cadence,
    Census,
    Channels,
    Decisions,
    FollowUp,
    Policy,
    Quota,
    Recovery,
    Reminders,
    Rule,
    SendWindow,
    Variants,
)
from netpromoter.stats import DesignScore, Score
from netpromoter.wording import Words, languages, words

from ._adopt import Adoption, adopt
from ._answered import settled
from ._cases import Cases
from ._claims import settle, uncertain
from ._dispatch import Clock, Delivery, Dispatch, Dispatcher, check_clock
from ._follow_up import FollowUps
from ._links import LinkPurpose, Links
from ._loop import achieved
from ._parting import parting
from ._parts import check_parts
from ._plan import AnyContacts, Plan, as_contacts, check_plan, plan
from ._polling import Polling
from ._rates import Rate
from ._receiving import Receiving
from ._render import render
from ._scoring import Design
from ._telling import Telling, Told
from ._templates import Templates

__all__ = ["Program"]

#: In how many languages the words are kept at hand; contacts may name any.
_LOCALES = 256


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Program:
    """One survey with its rules, its store and its channels.

    Parameters
    ----------
    survey : Survey
        What is asked.
    store : Store
        The ledger; `netpromoter.plugins.open_store` opens one. Whoever opened it closes it.
    channels : mapping of str to Channel or callable
        What carries messages, by the names that contacts have addresses for, in the order in which they are tried. A
        callable makes a channel for each worker; a channel is copied for each.
    cadence : Wave, Waves, Continuous or Trigger
        When the next occasion comes for each person.
    audience, rules, reminders, variants, time_zone, keep
        As in `netpromoter.rules.Policy`.
    order : Channels, optional
        How channels are chosen, if not simply in the order of `channels`.
    links : Links
        What makes and reads the signed links in messages.
    follow_up : FollowUp or sequence of FollowUp, default none
        Who is called after an answer; each name once.
    recovery : Recovery, optional
        Whether and when detractors are asked again.
    purpose : {"score", "recovery"}, default "score"
        What the answers are for; `recovery_program` sets it.
    ballots : BallotBox, optional
        Where employees answer: for a survey of kind "employee", and for no other. See `Program.poll`.
    smallest_group : int, default 5
        How many answers of employees a group must have to be shown, as the messages promise.
    templates : Templates, optional
        The words of messages, if not those that come with the package.
    wording : path, optional
        A folder of files with the phrases of further languages, as `netpromoter.wording.words` reads them; each is
        read once.
    plugins : Plugins, optional
        Who is told of what happens; what `load_plugins` finds if it is left out.
    lease : timedelta, default 15 minutes
        For how long a message that a worker has taken is nobody else's. Without an outcome by then it is uncertain.
    attempts : int, default 5
        How often a message may be refused for now. Where the channel was down, that was no refusal of the message.
    backoff : timedelta, default 10 minutes
        The wait before the second attempt is drawn below this; it doubles with each further one, up to a day.
    rates : mapping of str to Rate, default {}
        How many messages a channel is given in a span of time, by all workers of this process together, and by all
        programs that are given the same `Rate`; `recovery_program` is.

    Examples
    --------
    >>> from datetime import UTC
    >>> from netpromoter.model import Contact, Receipt
    >>> from netpromoter.plugins import open_store
    >>> from netpromoter.rules import Wave
    >>> class Postcard:
    ...     def send(self, message):
    ...         return Receipt.sent(message)
    >>> noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    >>> program = Program(
    ...     survey=Survey("nps", product="Acme"), store=open_store("memory:"), channels={"post": Postcard()},
    ...     links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
    ...     cadence=Wave("summer"), rules=[],
    ... )
    >>> wave = program.plan([Contact(id="c-1", addresses={"post": "12 High Street"})], at=noon)
    >>> program.execute(wave, clock=lambda: noon)
    Dispatch(sent=1)
    """

    survey: Survey
    store: Store
    channels: Mapping[str, Channel | Callable[[], Channel]]
    links: Links
    cadence: Cadence
    audience: Sequence[Audience] = (Census(),)
    rules: Sequence[Rule | Quota | SendWindow] = DEFAULT_RULES
    reminders: Reminders | None = attrs.field(factory=Reminders)
    variants: Variants | None = None
    order: Channels | None = None
    time_zone: str = "UTC"
    keep: Sequence[str] = ()
    follow_up: FollowUp | Sequence[FollowUp] = ()
    recovery: Recovery | None = None
    purpose: Purpose = "score"
    ballots: BallotBox | None = None
    smallest_group: int = 5
    templates: Templates = attrs.field(factory=Templates)
    wording: str | Path | None = None
    plugins: Plugins = attrs.field(factory=load_plugins)
    lease: timedelta = timedelta(minutes=15)
    attempts: int = 5
    backoff: timedelta = timedelta(minutes=10)
    rates: Mapping[str, Rate] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        check_parts(self)
        count("smallest_group", self.smallest_group, least=1)
        unknown = set(self.policy.channels.order) - set(self.channels)
        if unknown:
            raise refusal("order", f"of channels among {', '.join(map(repr, self.channels))}", sorted(unknown))
        self.delivery  # noqa: B018 -- refuses what it cannot be made of
        self.templates.check(self.policy)
        languages(self.wording)  # refuses a file that breaks a rule, before somebody is to be written to
        self._check_follow_up()
        self._check_employees()

    def _check_follow_up(self) -> None:
        names = [policy.name for policy in self.policies]
        if len(set(names)) < len(names):
            raise refusal("follow_up", "of different names", names)
        for policy in self.policies:
            policy.check(self._known)

    def _check_employees(self) -> None:
        if self.ballots is None and self.survey.kind != "employee":
            return
        self.poll  # noqa: B018 -- refuses what it cannot be made of
        for name in ("follow_up", "recovery"):
            if getattr(self, name):
                raise refusal(name, "left out where nobody may know who answered what", getattr(self, name))

    def __repr__(self) -> str:
        return f"Program({self.survey.key}, {self.cadence!r}, channels {', '.join(self.channels)})"

    @cached_property
    def policy(self) -> Policy:
        """Whom the program asks, and when."""
        return Policy(
            survey=self.survey,
            cadence=self.cadence,
            audience=self.audience,
            rules=self._rules,
            reminders=self.reminders,
            channels=Channels(*self.channels) if self.order is None else self.order,
            variants=self.variants,
            time_zone=self.time_zone,
            keep=self.keep,
        )

    @property
    def _rules(self) -> Any:
        given: Any = self.rules
        if self.ballots is None:
            return given
        return (*(given if isinstance(given, Sequence) else [given]), self.poll.answered)

    @cached_property
    def delivery(self) -> Delivery:
        """How its messages are carried."""
        given = {name: getattr(self, name) for name in ("channels", "lease", "attempts", "backoff", "rates")}
        return Delivery(**given)

    # -- deciding ------------------------------------------------------------------------------------------------------

    def plan(self, contacts: AnyContacts, *, at: datetime, horizon: timedelta = timedelta(days=1)) -> Plan:
        """Decide whom to invite and whom to remind; see `netpromoter.engine.plan`. It only reads.

        Somebody who was forgotten is left out, under the id and at the addresses by which they were known: under the id
        they are not among the contacts of the plan, nor among those whom it holds.
        """
        people = as_contacts(contacts)
        if gone := self.store.forgotten(people.ids.tolist()):
            people = people.take(np.flatnonzero([each not in gone for each in people.ids]))
        return plan(people, self.store.touches(), self.policy, at=at, horizon=horizon)

    def why(self, contact: str, contacts: AnyContacts, *, at: datetime) -> str:
        """Say in one sentence what a plan of this instant would do with somebody, and why."""
        people = as_contacts(contacts)
        made = self.plan(people, at=at)
        is_forgotten = contact in people and contact not in made.contacts
        return f"{contact} is not asked: forgotten." if is_forgotten else made.why(contact)

    def adopt(self, plan: Plan, *, at: datetime) -> Adoption:
        """Decide once more on what is known now, and write it: from then on the messages are to be sent.

        Everything else that would write waits. So gaps and caps hold at one point, however many plans were made from
        one state of the log and however many programs share it. What was adopted already is not adopted again.

        Parameters
        ----------
        plan : Plan
            Of this program.
        at : datetime
            The instant of the adoption, aware.

        Returns
        -------
        Adoption
        """
        check_plan(plan)
        policy = settled(self.policy, instant("at", at))
        proposed = np.concatenate([plan.invitations.positions, plan.reminders.positions])
        with self.store.exclusive():
            gone = self.store.forgotten(plan.contacts.ids[proposed].tolist())
            left = Touches.of(OptedOut(contact=each, at=at) for each in sorted(gone))
            adoption = adopt(plan, self.store.touches() + left, at=at, policy=policy)
            spent = _spent(entry.event for entry in self.store.entries(kinds=(Withheld,)))
            self.store.append([_fresh(event, spent) for event in adoption.events])
        return adoption

    # -- doing ---------------------------------------------------------------------------------------------------------

    def dispatch(
        self,
        *,
        clock: Clock,
        workers: int = 1,
        limit: int | None = None,
        progress: Callable[[int], object] | None = None,
        stop: threading.Event | None = None,
        worker: str = "worker",
    ) -> Dispatch:
        """Send what was adopted and is due, by any number of workers in any number of processes.

        Parameters
        ----------
        clock : callable
            Gives the present instant, aware.
        workers : int, default 1
            How many threads send at once, each with channels of its own.
        limit : int, optional
            After how many messages to stop.
        progress : callable, optional
            Is told the number of messages so far.
        stop : threading.Event, optional
            Once it is set, each worker finishes the message in hand, records it and stops. So does an interrupt.
        worker : str, default "worker"
            How this process calls itself in the ledger.

        Returns
        -------
        Dispatch
        """
        dispatcher = Dispatcher(
            store=self.store,
            policy=self.policy,
            delivery=self.delivery,
            render=self.render,
            clock=clock,
            limit=limit,
            progress=progress,
            stop=stop,
            last_look=None if self.ballots is None else self.poll.answered.last_look,
        )
        return dispatcher.run(workers, worker)

    def execute(
        self,
        plan: Plan,
        *,
        clock: Clock,
        workers: int = 1,
        progress: Callable[[int], object] | None = None,
        stop: threading.Event | None = None,
    ) -> Dispatch:
        """Adopt a plan and dispatch, for those with one process; options are those of `dispatch`."""
        self.adopt(plan, at=check_clock(clock)())
        return self.dispatch(clock=clock, workers=workers, progress=progress, stop=stop)

    @cached_property
    def _words(self) -> Callable[[str | None], Words]:
        """What is said in a language, which every message asks for."""
        return lru_cache(maxsize=_LOCALES)(partial(words, folder=self.wording))

    def render(self, message: Message, at: datetime) -> Message:
        """Put a message into words, as its channel gets it."""
        said = self._words(message.locale)
        more: Any = {"templates": self.templates, "smallest_group": self.smallest_group}
        return render(message, self.survey, said, self.links, at=at, **more)

    def uncertain(self, *, at: datetime) -> list[str]:
        """List the messages of this survey of which nobody knows whether they were sent: taken, no outcome, lease over.

        They are never sent again by themselves, unless their channel delivers a message once however often it is given
        it. `settle` records what somebody has found out.
        """
        return [claim.message.id for claim in uncertain(self.store, self._surveys, at)]

    def settle(self, message: str, *, delivered: bool, at: datetime) -> None:
        """Record what became of a message of which nobody knew; one that was not delivered is tried again.

        Raises
        ------
        InvalidArgument
            If this survey has no such message without an outcome, or somebody may be sending it still.
        """
        settle(self.store, self._surveys, message, delivered=delivered, at=at)

    # -- hearing -------------------------------------------------------------------------------------------------------

    def message(self, token: str, purpose: LinkPurpose = "answer", *, at: datetime) -> Message:
        """Find the message whose link somebody followed, of whichever survey in the store it is.

        Parameters
        ----------
        token : str
            The token in the link.
        purpose : {"answer", "unsubscribe", "view"}, default "answer"
            What the link was for.
        at : datetime
            When, aware.

        Returns
        -------
        Message

        Raises
        ------
        InvalidToken
            If the token is not valid here and now, or its message is that of somebody who was forgotten.
        """
        return self._receiving.linked(token, purpose, at)

    @cached_property
    def _receiving(self) -> Receiving:
        return Receiving(self.store, self.links, *self._surveys)

    def receive_answer(
        self,
        message: str,
        rating: int,
        *,
        at: datetime,
        comment: str | None = None,
        drivers: Mapping[str, int | str] | None = None,
    ) -> Response:
        """Record an answer.

        A person who answers again, or adds a comment, has revised the answer: the last one counts. Everybody else who
        would write waits meanwhile, so that of two answers at once each is kept.

        Parameters
        ----------
        message : str
            The id of the message that was answered; `message` finds it by the token of a link. Whoever knows an id can
            answer by it, so that it is not for the outside world.
        rating : int
            From 0 to 10.
        at : datetime
            When, aware; the instant at which the message left counts where that is later.
        comment : str, optional
            The reason.
        drivers : mapping of str to int or str, optional
            Answers to further questions, by their keys.

        Returns
        -------
        Response

        Raises
        ------
        InvalidArgument
            If this survey, or that of its recovery, has no such message; the program of another survey takes its own.
        InvalidRating
            If the rating is not one.
        Conflict
            If the person is forgotten just now.
        """
        self._check_named("receive_answer")
        return self._receiving.answer(message, rating=rating, at=at, comment=comment, drivers=drivers or {})

    def receive_opt_out(
        self, *, at: datetime, message: str | None = None, contact: str | None = None, reminders_only: bool = False
    ) -> None:
        """Record that somebody wants no more messages, or no more reminders.

        Parameters
        ----------
        at : datetime
            When, aware.
        message : str, optional
            The id of a message, of any survey.
        contact : str, optional
            Or the id of the person. Either way neither the person nor the address of the message, or of the last one to
            that person, is written to any more.
        reminders_only : bool, default False
            Whether invitations are still welcome.
        """
        self.store.append([OptedOut(at=at, reminders_only=reminders_only, **self._spoken_for(message, contact))])

    def receive_opt_in(self, *, at: datetime, message: str | None = None, contact: str | None = None) -> None:
        """Record that somebody wants messages again: it takes back what `receive_opt_out` has recorded before.

        Parameters
        ----------
        at : datetime
            When, aware.
        message : str, optional
            The id of a message, of any survey.
        contact : str, optional
            Or the id of the person. Either way that person, and the address of the message, or of the last one to that
            person, may be written to again; what somebody else who has the address said of themselves stays.
        """
        self.store.append([OptedIn(at=at, **self._spoken_for(message, contact))])

    def _spoken_for(self, message: str | None, contact: str | None) -> dict[str, Any]:
        """Say who speaks, and of which address."""
        if (message is None) == (contact is None):
            raise refusal("message", "given, or contact, and not both", message)
        if message is None:
            return {"contact": contact, "destination": self._receiving.last_destination(contact)}
        asked = self._receiving.adopted(message)
        return {"contact": asked.contact, "destination": asked.destination}

    def receive_decline(self, message: str, *, at: datetime) -> None:
        """Record that somebody will not answer, such as by closing the question: nothing follows on that occasion.

        Raises
        ------
        InvalidArgument
            If this survey, or that of its recovery, has no such message.
        """
        self._check_named("receive_decline")
        self._receiving.decline(message, at)

    def receive_bounce(self, message: str, *, at: datetime, reason: str = "") -> None:
        """Record that a message, of any survey, came back for good: its address is written to no more."""
        asked = self._receiving.adopted(message)
        facts: Any = {"contact": asked.contact, "destination": asked.destination, "channel": asked.channel}
        self.store.append([Bounced(at=at, message=asked.id, reason=reason, **facts)])

    def receive_codes(self, codes: Mapping[str, Iterable[str]], *, coder: str, at: datetime) -> int:
        """Record what comments are about; `netpromoter.formats.comment_codes` reads a coding sheet that came back.

        A code that somebody gave before is not given twice; one that is left out stays.

        Parameters
        ----------
        codes : mapping of str to iterable of str
            The codes of each answer, by its id.
        coder : str
            Who or what says so.
        at : datetime
            When, aware.

        Returns
        -------
        int
            How many codes were new.

        Raises
        ------
        InvalidArgument
            If an id is that of no answer to this survey or to its recovery; nothing is written then.
        """
        return self._receiving.code(codes, coder, at)

    def codes(self) -> dict[str, list[str]]:
        """Give the codes of this survey's answers by their ids, each once, in the order in which they were given."""
        return self._receiving.codes()

    def forget(self, contact: str, *, at: datetime) -> Forgotten:
        """Delete what is personal of somebody, and see to it that nobody writes to them or calls them again.

        Neither the id nor any address to which a message went is asked again, although tomorrow's list may hold them.
        What is kept is a hash of the id, made with the key of the store, and of each address the fingerprint, made with
        the key of the contacts (``Contacts.of(key=)``, ``formats.contacts(key=)``). Where no key was given, whoever has
        the database can try whether an id or an address is in it.

        Their open cases are closed, of whichever survey, with the resolution "no action"; and of their answers to this
        survey none is followed up.

        Parameters
        ----------
        contact : str
            The id of the person.
        at : datetime
            When, aware.

        Returns
        -------
        Forgotten
            What was deleted.
        """
        instant("at", at)
        check_contact(contact)
        with self.store.exclusive():
            log = [entry.event for entry in self.store.entries(contacts=[contact])]
            last = parting(log, contact, survey=self.survey.key, policies=self.policies, at=at)
            self.store.append(last)
            forgotten = self.store.forget(contact)
        if self.ballots is not None:
            self.ballots.forget(contact)
        return forgotten

    # -- listening to employees ----------------------------------------------------------------------------------------

    @property
    def poll(self) -> Polling:
        """Where employees answer without a name: launched, cast, closed and released beside the ledger.

        Raises
        ------
        InvalidArgument
            If the survey is not of kind "employee".
        """
        given: Any = {name: getattr(self, name) for name in ("survey", "store", "ballots", "cadence", "audience")}
        return Polling(smallest_group=self.smallest_group, **given)

    def _check_named(self, name: str) -> None:
        """Refuse to look for answers of employees in the ledger, or to put them there."""
        if self.ballots is not None:
            rule = "of a survey that is not of kind 'employee': such answers are cast by poll, and released by it alone"
            raise refusal(name, rule, self.survey.key)

    # -- following up --------------------------------------------------------------------------------------------------

    def decide(self, *, at: datetime) -> tuple[Decisions, ...]:
        """Decide which answers are followed up, of those about which nothing was decided; open cases for them.

        Parameters
        ----------
        at : datetime
            When, aware.

        Returns
        -------
        tuple of Decisions
            For each policy of `follow_up` what it decided, and why, about every new answer.
        """
        instant("at", at)
        self._check_named("decide")
        return self._follow_ups.decide(at)

    @cached_property
    def _follow_ups(self) -> FollowUps:
        return FollowUps(
            store=self.store, survey=self.survey, policies=self.policies, known=self._known, recovery=self.recovery
        )

    @property
    def _known(self) -> tuple[str, ...]:
        """What answers have that policies may ask about: what is kept, further answers, and the code of the comment."""
        return (*self.policy.keep, *(each.key for each in self.survey.drivers), "theme")

    @property
    def policies(self) -> tuple[FollowUp, ...]:
        """Who is to be called."""
        return (self.follow_up,) if isinstance(self.follow_up, FollowUp) else tuple(self.follow_up)

    @property
    def cases(self) -> Cases:
        """Who is to be called, and what was done so far."""
        self._check_named("cases")
        return Cases(store=self.store, survey=self.survey.key)

    @property
    def recovery_program(self) -> Program:
        """The program that asks detractors again: plan, adopt and dispatch it like any other.

        It shares store, channels, links and rules, but for every `QuietPeriod`. Its survey has a key of its own, so
        that its answers are in no score of this one.

        Raises
        ------
        InvalidArgument
            If the program has no `recovery`.
        """
        if self.recovery is None:
            raise refusal("recovery", "given, for detractors to be asked again", self.recovery)
        return attrs.evolve(
            self,
            survey=attrs.evolve(self.survey, key=self._recovery_key, stands_for=None),
            cadence=self.recovery.trigger(self.survey.key),
            rules=self.recovery.rules(self.policy.rules),
            audience=(Census(),),
            follow_up=(),
            recovery=None,
            purpose="recovery",
        )

    @property
    def _recovery_key(self) -> str:
        """The key under which detractors are asked again; a program that does so has no other."""
        return self.survey.key if self.purpose == "recovery" else f"{self.survey.key}-recovery"

    @property
    def _surveys(self) -> tuple[str, str]:
        """The keys of the surveys whose messages and answers are this program's: its own, and that of its recovery."""
        return self.survey.key, self._recovery_key

    # -- knowing -------------------------------------------------------------------------------------------------------

    def responses(
        self, *, since: datetime | None = None, at: datetime | None = None, purpose: Purpose = "score"
    ) -> list[Response]:
        """Give the answers to this survey: of each person and occasion the last one.

        Parameters
        ----------
        since, at : datetime, optional
            From when on, and until when; aware.
        purpose : {"score", "recovery"}, default "score"
            "recovery" gives the answers of those who were asked again instead.

        Returns
        -------
        list of Response
            In the order in which they were given.
        """
        self._check_named("responses")
        for name, moment in (("since", since), ("at", at)):
            if moment is not None:
                instant(name, moment)
        keys: Mapping[Purpose, str] = {"score": self.survey.key, "recovery": self._recovery_key}
        key = keys[one_of("purpose", purpose, tuple(keys))]
        last: dict[tuple[str, str], Response] = {}
        for entry in self.store.entries(kinds=(Responded,)):
            answer = getattr(entry.event, "response", None)
            if answer is None or answer.survey != key or not _within(answer.at, since, at):
                continue
            last.pop((answer.contact, answer.occasion), None)
            last[answer.contact, answer.occasion] = answer
        return list(last.values())

    def score(self, *, since: datetime | None = None, at: datetime | None = None) -> Score | DesignScore:
        """Score the answers to this survey, by the design that the ledger has recorded.

        Answers of several strata stand each for its stratum: where all of the paying customers were asked and one in
        ten of the others, the others weigh as much as there are of them. People whom a rule held back are not in it.

        Returns
        -------
        Score or DesignScore
            A `DesignScore` where there are answers of several strata.

        Raises
        ------
        NoRatings
            If nobody has answered.
        """
        self._check_named("score")
        return self._design.score(self.responses(since=since, at=at))

    def score_by(
        self, name: str, *, since: datetime | None = None, at: datetime | None = None
    ) -> dict[Any, Score | DesignScore]:
        """Score the answers by an attribute that is kept, or by "arm", "channel", "step" or "stratum"."""
        self._check_named("score_by")
        one_of("name", name, (*self.policy.keep, "arm", "channel", "step", "stratum"))
        answers, kept = self.responses(since=since, at=at), name in self.policy.keep
        keys = [each.snapshot.get(name) if kept else getattr(each, name) for each in answers]
        return self._design.score_by(answers, keys)

    @property
    def _design(self) -> Design:
        drawn: Any = [entry.event for entry in self.store.entries(kinds=(WaveDrawn,))]
        return Design(each for each in drawn if each.survey == self.survey.key)

    def loop(
        self,
        *,
        at: datetime,
        since: datetime | None = None,
        accounts: Mapping[str, str | None] | None = None,
        revenue: Mapping[str, float] | None = None,
        value: str = "revenue",
    ) -> Loop:
        """Count what came of the answers: who was called, how soon, and whether people were won back.

        Parameters
        ----------
        at : datetime
            The instant, aware; nothing of later counts, so that the same call gives the same in a year.
        since : datetime, optional
            Which answers: those that were first given from then on.
        accounts : mapping of str to str or None, optional
            The account of each contact there is, for what is counted by account.
        revenue : mapping of str to float, optional
            What each account brings, for what is counted by revenue; see `netpromoter.insight.loop`.
        value : str, default "revenue"
            What the figures call it, such as "ARR".

        Returns
        -------
        Loop
        """
        self._check_named("loop")
        return achieved(self.store, *self._surveys, at=at, since=since, accounts=accounts, revenue=revenue, value=value)

    def tell(self, *, at: datetime) -> Told:
        """Tell every plugin what has happened to this survey since it was last told.

        What came of asking detractors again belongs to both programs, and is told once, by whichever comes first.
        Promises of cases that are due, overdue or to be escalated at this instant are found out first, and written:
        each once, never of a closed case, and never of a promise that was kept.

        How far each plugin was told of each survey is kept in the store, so that each fact is told at least once,
        however many processes there are. A plugin that raises is told the same fact again the next time, and hinders
        nobody: neither the others nor dispatch and intake, which know nothing of plugins.

        Parameters
        ----------
        at : datetime
            When, aware.

        Returns
        -------
        Told
            How many facts were told, which alerts were refused or put off, and which plugins raised.
        """
        instant("at", at)
        if self.ballots is None and self.cases.pending(at):
            with self.store.exclusive():  # somebody may have closed one since that look
                self.store.append(self.cases.pending(at))
        return Telling(self.store, self.plugins, self._surveys).tell(at)


def _spent(withheld: Iterable[Event]) -> dict[str, int]:
    """Give the last attempt that was withheld of each step."""
    found: dict[str, int] = {}
    for event in withheld:
        step, _, attempt = getattr(event, "message", "").rpartition("/")
        if attempt.isdecimal():
            found[step] = max(int(attempt), found.get(step, -1))
    return found


def _fresh(event: Event, spent: Mapping[str, int]) -> Event:
    """Give a message of which an attempt was withheld before another one, since the ids until then are spent."""
    if not isinstance(event, Scheduled):
        return event
    message = event.message
    last = spent.get(message.id.rpartition("/")[0], -1)
    if message.attempt > last:
        return event
    return Scheduled(message=attrs.evolve(message, attempt=last + 1), at=event.at)


def _within(moment: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or moment >= since) and (until is None or moment <= until)
