"""What can go wrong, and whose fault it is.

TagtailError
├── UserMistake                 the person can mend it; nothing was written
│   ├── UnknownLabel            a label that this project does not have
│   ├── RetiredLabel            a label that a file names and nobody may choose any more
│   ├── BadLabel                a change of the label set that would make labels hard to tell apart
│   ├── ChangedMeanwhile        somebody else has changed it since it was read
│   ├── EmptyText / TextTooLong a text that cannot be labelled
│   ├── NoLabels                a "labelled" decision without one label
│   ├── BadFile                 a file that cannot be read as what it claims to be
│   ├── BadRows                 rows of an import that were refused (see the report)
│   ├── BadProjectFile          the project file lacks a field or has a wrong one
│   ├── BadSetting              a setting outside its bounds
│   ├── StrategyNeeds           a way of choosing that looks at what this model does not give
│   ├── LossUndefined           a loss that has no meaning for soft targets, or for one label by itself
│   ├── TooManyClusters         more clusters of labels than labels, or one label to divide
│   ├── HeadNeedsHard           a head that learns whole label sets, given probabilities to learn
│   ├── HeadNeedsEncoder        a head over an encoder, and no encoder is named
│   ├── NameTaken / BadName / BadPassword / WrongPassword / SignInThrottled
│   ├── NotAllowed              the role is too low
│   │   └── NotMember           the project is not one of this person's
│   │       └── Archived        nor anybody's any more: the work in it is over
│   ├── BadInvitation           a link that is unknown, used, withdrawn or over
│   ├── TakenMeanwhile          the text that an undo would bring back is a colleague's now
│   ├── Settled                 a reviewer has settled the text; a decision on it changes no more
│   ├── AlreadyDecided          this person has decided on the text in another tab
│   ├── KeyTaken / KeyUnusable  a key of the desk that two actions want, or that is the browser's
│   ├── BadOp                   a click that no page of ours sends
│   ├── StudentGone             an earlier round's student that is no longer on disk
│   ├── OtherLabels             an earlier round's student that knows another label set
│   ├── NothingToReview         a text that nobody has decided on yet
│   ├── UnknownProject          a key that is no project's, such as a folder
│   └── NothingToExport
├── NotYet                      correct, but too early: says have and need
│   ├── StillStopping           a round that was cancelled has not stopped yet
│   ├── RoundRunning            a round is not over that would undo what is asked for
│   ├── TooFewLabels            too few labelled texts for a round
│   ├── NoGold                  no gold text has a label yet
│   └── LabelWithoutPositives   a label that no training text has
├── TrainingDiverged            the loss of a student ceased to be a number
├── ModelUnavailable            a model or segmenter that cannot be loaded here
├── EncoderUnavailable          a pretrained encoder that cannot be had: says why and what to do
├── TooLittleMemory             what was asked for would not fit; estimated before it starts
│   └── TreeNeedsMemory         a tree of so many labels and texts would not
├── Cancelled                   somebody asked to stop
└── CannotStart                 a configuration that must not run (open network, second worker)

Each error has a ``code`` and ``fields``; ``core.messages`` turns both into a sentence in the reader's language.
"""

from __future__ import annotations

from typing import Any


class TagtailError(Exception):
    """An error with a code and named fields, so that any language can say it."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(self.code + (": " + ", ".join(f"{k}={v}" for k, v in fields.items()) if fields else ""))

    @property
    def code(self) -> str:
        return type(self).__name__


class UserMistake(TagtailError): ...


class UnknownLabel(UserMistake): ...  # label, known


class RetiredLabel(UserMistake): ...  # label


class BadLabel(UserMistake): ...  # field, why, and what the sentence of that reason needs


class ChangedMeanwhile(UserMistake): ...  # who


class EmptyText(UserMistake): ...


class TextTooLong(UserMistake): ...  # have, limit


class NoLabels(UserMistake): ...


class BadFile(UserMistake): ...  # name, why


class BadRows(UserMistake): ...  # bad, rows, report


class BadProjectFile(UserMistake): ...  # name, field, why


class BadSetting(UserMistake): ...  # field, value, why


class StrategyNeeds(UserMistake): ...  # strategy, what


class LossUndefined(UserMistake): ...  # name, where (soft | binary), known


class TooManyClusters(UserMistake): ...  # labels, clusters


class HeadNeedsHard(UserMistake): ...  # head, known


class HeadNeedsEncoder(UserMistake): ...  # head


class NameTaken(UserMistake): ...  # name


class BadName(UserMistake): ...  # name


class BadPassword(UserMistake): ...  # need


class WrongPassword(UserMistake): ...


class SignInThrottled(UserMistake): ...  # wait_s


class NotAllowed(UserMistake): ...  # need


class NotMember(NotAllowed): ...  # need


class Archived(NotMember): ...  # need


class BadInvitation(UserMistake): ...


class TakenMeanwhile(UserMistake): ...


class Settled(UserMistake): ...


class AlreadyDecided(UserMistake): ...


class KeyTaken(UserMistake): ...  # key


class KeyUnusable(UserMistake): ...  # key


class BadOp(UserMistake): ...  # why


class StudentGone(UserMistake): ...  # number


class OtherLabels(UserMistake): ...  # number


class NothingToReview(UserMistake): ...  # document


class UnknownProject(UserMistake): ...  # key, known


class NothingToExport(UserMistake): ...  # what


class NotYet(TagtailError): ...


class StillStopping(NotYet): ...


class RoundRunning(NotYet): ...


class TooFewLabels(NotYet): ...  # have, need


class NoGold(NotYet): ...


class LabelWithoutPositives(NotYet): ...  # labels


class TrainingDiverged(TagtailError): ...  # lr


class ModelUnavailable(TagtailError): ...  # name, why


class EncoderUnavailable(TagtailError): ...  # name, why, detail


class TooLittleMemory(TagtailError): ...  # what, need_mb, have_mb


class TreeNeedsMemory(TooLittleMemory): ...  # labels, texts, need_mb, have_mb


class Cancelled(TagtailError): ...


class CannotStart(TagtailError): ...  # why, fix
