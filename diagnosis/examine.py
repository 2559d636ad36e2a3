"""The engine: the symptom, the suspects upstream first, and for each what would be different without it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from diagnosis.remedies import REMEDIES
from diagnosis.signature.rows import SEEN, sample
from diagnosis.signature.signature import Signature, measure
from diagnosis.subject import Subject
from diagnosis.suspects import SUSPECTS
from diagnosis.suspects.suspect import Clue, Suspect
from diagnosis.symptoms import Symptom, symptoms
from diagnosis.verdict import Cause, Counterfactual, Diagnosis, Verdict

PROBED = 512  # items of which a symptom is measured before and after
LIKELY = 0.5  # confidence from which on a clue is followed
CERTAIN = 0.95  # confidence from which on a fault is a cause in itself, whether or not the symptom goes with it
AT_ONCE = 3  # causes that are looked for in one subject


@dataclass(frozen=True, eq=False)
class View:
    """A subject as the suspects see it, its signature, and its symptoms by name, of `PROBED` of its items.

    `tried` are the changes that led here from the subject that was handed over.
    """

    subject: Subject
    signature: Signature
    symptoms: Mapping[str, Symptom]
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Lead:
    """A suspect with its clue in a view of the subject."""

    name: str
    clue: Clue
    before: View

    @property
    def certain(self) -> bool:
        return self.clue.confidence >= CERTAIN

    @cached_property
    def after(self) -> View | None:
        """The view once the cause is undone; None where it can't be."""
        if self.clue.repair is None:
            return None
        return _view(self.clue.repair(), (*self.before.tried, self.clue.change))

    def flips(self, complaints: Set[str]) -> list[str]:
        """The complaints that are there before, and gone after."""
        if self.after is None:
            return []
        after = self.after.symptoms
        there = [name for name in _open(self.before, complaints) if name in after]
        return [name for name in there if not (after[name].present or after[name].nearly)]


def examine(subject: Subject, suspects: Sequence[Suspect] = SUSPECTS) -> Diagnosis:
    """Name what makes the cosines of a subject always 1, the cause that explains most first.

    After a cause is found the repaired subject is examined for what is still out of order.
    """
    signature = measure(subject)
    seen = sample(subject, SEEN)
    view = View(seen, signature, _view(seen, ()).symptoms)
    found = {one.name: one.value for one in symptoms(sample(seen, PROBED), signature) if one.present}
    complaints: Set[str] = set(found)
    verdict: Verdict = "unknown" if complaints else "healthy"
    causes: dict[str, Cause] = {}
    certain: set[str] = set()
    while len(causes) < AT_ONCE:
        left = [suspect for suspect in suspects if suspect.name not in causes]
        there = _leads(view, left)
        if not causes:
            certain = {lead.name for lead in there if lead.certain}
        leads = _next(view, there, complaints, left, repaired=bool(causes))
        if not leads:  # what was certain from the start, and is no part of what was undone
            standing = [lead for lead in there if lead.certain and lead.name in certain][: AT_ONCE - len(causes)]
            causes |= {lead.name: _cause(lead, complaints) for lead in standing}
            view = _after(standing[-1], complaints)[0] if standing else view
            break
        causes |= {lead.name: _cause(lead, complaints) for lead in leads}
        verdict = "cause"
        view, complaints = _after(leads[-1], complaints)
    return Diagnosis(
        verdict=verdict,
        causes=tuple(causes.values()),
        symptoms=found,
        signature=signature.to_dict(),
        tried=view.tried,
        repaired=_embeddings(view.subject) if view.tried else None,
    )


def _embeddings(subject: Subject) -> Subject:
    """The subject without its model and functions, so that a diagnosis keeps none of them alive."""
    return Subject(x=subject.x, y=subject.y, dim=subject.dim, labels=subject.labels)


def _after(lead: Lead, complaints: Set[str]) -> tuple[View, Set[str]]:
    """What is left to explain once a cause is undone; one that can't be undone is taken to explain the gravest."""
    if lead.after is None:
        return lead.before, complaints - set(_open(lead.before, complaints)[:1])
    if lead.after.subject.dim != lead.before.subject.dim:  # other vectors, of which nothing was asked before
        return lead.after, {name for name, symptom in lead.after.symptoms.items() if symptom.present}
    return lead.after, complaints


def _view(subject: Subject, tried: tuple[str, ...]) -> View:
    few = sample(subject, PROBED)
    signature = measure(few)
    return View(subject, signature, {one.name: one for one in symptoms(few, signature)}, tried)


def _next(
    view: View, leads: Sequence[Lead], complaints: Set[str], suspects: Sequence[Suspect], repaired: bool
) -> list[Lead]:
    """The first lead that explains a complaint, the gravest if one does; else a certain one; else two together."""
    gravest = _open(view, complaints)[:1]
    for lead in leads if gravest else []:
        flipped = lead.flips(complaints)
        if gravest[0] in flipped or (lead.certain and (flipped or (lead.after is None and not repaired))):
            return [lead]
    for lead in leads:
        if lead.flips(complaints) or (lead.certain and not repaired):  # a repair can leave faults of its own
            return [lead]
    return _together(leads, complaints, suspects) if gravest else []


def _leads(view: View, suspects: Sequence[Suspect]) -> list[Lead]:
    clues = [(suspect.name, suspect.look(view.subject, view.signature)) for suspect in suspects]
    leads = [Lead(name, clue, view) for name, clue in clues if clue is not None and clue.confidence >= LIKELY]
    return sorted(leads, key=lambda lead: not lead.certain)  # stable: upstream first


def _together(leads: Sequence[Lead], complaints: Set[str], suspects: Sequence[Suspect]) -> list[Lead]:
    """Two leads of which the second explains a complaint once the first is undone."""
    for lead in leads:
        if lead.after is None:
            continue
        for other in _leads(lead.after, [suspect for suspect in suspects if suspect.name != lead.name]):
            if other.flips(complaints):
                both = replace(lead.clue, change=f"{lead.clue.change}, {other.clue.change}", repair=other.clue.repair)
                return [Lead(lead.name, both, lead.before), other]
    return []


def _open(view: View, complaints: Set[str]) -> list[str]:
    return [name for name, symptom in view.symptoms.items() if symptom.present and name in complaints]


def _cause(lead: Lead, complaints: Set[str]) -> Cause:
    probe = _counterfactual(lead, complaints)
    sure = lead.clue.confidence
    return Cause(
        name=lead.name,
        confidence=(1 + sure) / 2 if probe and probe.flips else sure,  # a probe that flips takes half of the doubt
        evidence=lead.clue.evidence,
        counterfactual=probe,
        remedy=REMEDIES[lead.name],
    )


def _counterfactual(lead: Lead, complaints: Set[str]) -> Counterfactual | None:
    flipped = lead.flips(complaints)
    still = [name for name in _open(lead.before, complaints) if lead.after and name in lead.after.symptoms]
    if lead.after is None or not still:
        return None
    name = (flipped or still)[0]
    return Counterfactual(
        change=lead.clue.change,
        symptom=name,
        before=lead.before.symptoms[name].value,
        after=lead.after.symptoms[name].value,
        flips=bool(flipped),
    )
