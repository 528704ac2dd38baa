"""Answers of experts: an append-only log, and the votes that follow from it."""

from bids_dl.annotate.answers.classes import AnswerClass, load_classes
from bids_dl.annotate.answers.items import Item, make_answer, make_item
from bids_dl.annotate.answers.journal import Journal, JournalContent, read_journal
from bids_dl.annotate.answers.replay import Answer, replay
from bids_dl.annotate.answers.votes import VotedItem, count_votes

__all__ = [
    "Answer",
    "AnswerClass",
    "Item",
    "Journal",
    "JournalContent",
    "VotedItem",
    "count_votes",
    "load_classes",
    "make_answer",
    "make_item",
    "read_journal",
    "replay",
]
