"""The engine: it undoes each suspected cause, upstream first, and measures whether the symptom disappears."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from diagnosis.probes.equality import equal_from
from diagnosis.remedies import REMEDIES
from diagnosis.signature.rows import SEEN, sample
from diagnosis.signature.signature import Signature, measure
from diagnosis.subject import Subject
from diagnosis.suspects import SUSPECTS
from diagnosis.suspects.suspect import Clue, Suspect
from diagnosis.symptoms import Symptom, symptoms
from diagnosis.verdict import Cause, Counterfactual, Diagnosis

PROBED = 512  # items on which symptoms are measured before and after a probe
LIKELY = 0.5  # clues of at least this confidence are followed
CERTAIN = 0.95  # faults of at least this confidence are causes, even if the symptom stays without them
AT_ONCE = 3  # causes named per subject, at most


@dataclass(frozen=True, eq=False)
class View:
    """A subject as the suspects see it, with its signature and its symptoms by name, of `PROBED` items.

    `tried` are the changes that led here from the original subject.
    """

    subject: Subject
    signature: Signature
    symptoms: Mapping[str, Symptom]
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Lead:
    """A suspect and its clue in a view of the subject."""

    name: str
    clue: Clue
    before: View

    @property
    def certain(self) -> bool:
        return self.clue.confidence >= CERTAIN

    @cached_property
    def after(self) -> View | None:
        """The view without the cause; None if it can't be undone."""
        if self.clue.repair is None:
            return None
        return _view(self.clue.repair(), (*self.before.tried, self.clue.change))

    def flips(self, complaints: Set[str]) -> list[str]:
        """The complaints that disappear with the cause."""
        if self.after is None:
            return []
        after = self.after.symptoms
        there = [name for name in _open(self.before, complaints) if name in after]
        return [name for name in there if not (after[name].present or after[name].nearly)]


def examine(subject: Subject, suspects: Sequence[Suspect] = SUSPECTS) -> Diagnosis:
    """Names the causes that make the cosines of a subject always 1, the one that explains most first.

    After each cause, the repaired subject is examined for the symptoms that are left.
    """
    signature = measure(subject)
    seen = sample(subject, SEEN)
    found = {one.name: one.value for one in symptoms(sample(seen, PROBED), signature) if one.present}
    causes, left = _causes(View(seen, signature, _view(seen, ()).symptoms), set(found), suspects)
    return Diagnosis(
        verdict="cause" if causes else "unknown" if found else "healthy",
        causes=causes,
        symptoms=found,
        signature=signature.to_dict() | (equal_from(seen) if found else {}),
        tried=left.tried,
        repaired=_embeddings(left.subject) if left.tried else None,
    )


def _causes(view: View, complaints: Set[str], suspects: Sequence[Suspect]) -> tuple[tuple[Cause, ...], View]:
    """The causes in order, and the view without them."""
    causes: dict[str, Cause] = {}
    certain: set[str] = set()
    while len(causes) < AT_ONCE:
        left = [suspect for suspect in suspects if suspect.name not in causes]
        there = _leads(view, left)
        if not causes:
            certain = {lead.name for lead in there if lead.certain}
        leads = _next(view, there, complaints, left, repaired=bool(causes))
        if not leads:  # name faults that were certain from the start and are still there
            standing = [lead for lead in there if lead.certain and lead.name in certain][: AT_ONCE - len(causes)]
            causes |= {lead.name: _cause(lead, complaints) for lead in standing}
            view = _after(standing[-1], complaints)[0] if standing else view
            break
        causes |= {lead.name: _cause(lead, complaints) for lead in leads}
        view, complaints = _after(leads[-1], complaints)
    return tuple(causes.values()), view


def _embeddings(subject: Subject) -> Subject:
    """The subject without its model and functions, so that a diagnosis keeps none of them alive."""
    return Subject(x=subject.x, y=subject.y, dim=subject.dim, labels=subject.labels)


def _after(lead: Lead, complaints: Set[str]) -> tuple[View, Set[str]]:
    """The complaints left without a cause. A cause that can't be undone is assumed to explain the gravest one."""
    if lead.after is None:
        return lead.before, complaints - set(_open(lead.before, complaints)[:1])
    if lead.after.subject.dim != lead.before.subject.dim:  # other vectors, with symptoms of their own
        return lead.after, {name for name, symptom in lead.after.symptoms.items() if symptom.present}
    return lead.after, complaints


def _view(subject: Subject, tried: tuple[str, ...]) -> View:
    few = sample(subject, PROBED)
    signature = measure(few)
    return View(subject, signature, {one.name: one for one in symptoms(few, signature)}, tried)


def _next(
    view: View, leads: Sequence[Lead], complaints: Set[str], suspects: Sequence[Suspect], repaired: bool
) -> list[Lead]:
    """The first lead that explains the gravest complaint, else any complaint; else a certain one; else two together."""
    gravest = _open(view, complaints)[:1]
    for lead in leads if gravest else []:
        flipped = lead.flips(complaints)
        if gravest[0] in flipped or (lead.certain and (flipped or (lead.after is None and not repaired))):
            return [lead]
    for lead in leads:
        if lead.flips(complaints) or (lead.certain and not repaired):  # a repair can cause faults of its own
            return [lead]
    return _together(leads, complaints, suspects) if gravest else []


def _leads(view: View, suspects: Sequence[Suspect]) -> list[Lead]:
    clues = [(suspect.name, suspect.look(view.subject, view.signature)) for suspect in suspects]
    leads = [Lead(name, clue, view) for name, clue in clues if clue is not None and clue.confidence >= LIKELY]
    return sorted(leads, key=lambda lead: not lead.certain)  # stable: upstream first


def _together(leads: Sequence[Lead], complaints: Set[str], suspects: Sequence[Suspect]) -> list[Lead]:
    """Two leads where the second explains a complaint after the first is undone."""
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
        confidence=(1 + sure) / 2 if probe and probe.flips else sure,  # a probe that flips halves the doubt
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
