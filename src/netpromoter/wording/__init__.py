"""The question and what is said around it, in the languages that there are files for."""

from ._words import SLOTS, Phrase, Status, Words, closest, languages, words

__all__ = ["SLOTS", "Phrase", "Status", "Words", "closest", "languages", "words"]
