"""Who may see a record: scope ∧ role ∧ compartment ∧ consent ∧ label, decided here alone.

The gateway has already decided per field. Here the data is, so here is decided per record, before
anything is counted or cut into pages. A refusal is reported by kind, never by record: what is
withheld must look like what does not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from contract.access import BREAKING, AccessReport, GlassUse, Refusal
from contract.context import Caller
from contract.scopes import ClinicalScope, parse_scope
from subgraphs.runtime.consent import GOVERNED, UNDECIDED, Described, Labelled, Ruling
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.scopes import matches, read_scopes
from subgraphs.runtime.sensitivity import SENSITIVE

DEVELOPER: Final = Caller(subject="developer", roles=("developer",), scopes=("system/*.rs",))
"""Who asks on a development port, where nobody signs in."""
NOBODY: Final = Caller(subject="")

SHARED: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location"})
"""Types whose records belong to no patient: who treats, and where. No label of a patient's is on
them, and all staff may look them up."""
CALENDARS: Final = frozenset({"Slot", "Schedule"})
"""Likewise of no patient, for those who make appointments."""

_CLINICAL: Final = frozenset({"*"})
"""All but what is `GOVERNED`, which has to be named."""
_BILLING: Final = frozenset(
    {"Patient", "Coverage", "Claim", "ClaimResponse", "ExplanationOfBenefit"}
)
STAFF: Final[Mapping[str, Collection[str]]] = {
    "clinician": _CLINICAL,
    "nurse": _CLINICAL,
    "developer": _CLINICAL,
    # What is taken, why and against what, results that decide the dose, and vaccines given there.
    "pharmacist": {"Patient", "AllergyIntolerance", "Condition", "Medication", "Coverage"}
    | {"MedicationRequest", "MedicationDispense", "Observation", "Task", "Communication"}
    | {"Immunization", "CareTeam"},
    # What is to be examined, and what came of it: no chart.
    "lab": {"Patient", "ServiceRequest", "Specimen", "Observation", "DiagnosticReport"},
    "scheduler": {"Patient", "Appointment", "Slot", "Schedule", "Coverage"},
    "biller": _BILLING | {"Appointment", "Encounter", "PaymentNotice"},
    "payer-reviewer": _BILLING,
    "privacy-officer": {"Patient", "Consent", "AuditEvent"},
    "registration-clerk": {"Patient", "RelatedPerson", "Consent", "Coverage", "Appointment"},
    "identity-steward": {"Patient"},
    # Rates alone: what these are computed of, and whose it is, stays closed to both.
    "researcher": {"MeasureReport"},
    "quality-officer": {"MeasureReport"},
}
"""What each staff role sees through `user/` scopes, at most; a role not named here sees nothing."""


@dataclass(frozen=True, slots=True)
class Compartment:
    """The patient a record belongs to: the enterprise id and the whole opened link set."""

    patient: str
    links: tuple[Link, ...]
    born: str | None = None
    """The date of birth, as precise as it is known."""
    ruling: Ruling = UNDECIDED
    """What the patient has directed, for this caller and moment. It is known of a compartment that
    the request made; of any other it is not, and all of it is closed."""


class Access:
    """The decisions of one request, and the report of what was read and refused."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._scopes = read_scopes(caller.scopes)
        self._launch = _launch_patient(caller)
        self._read: set[str] = set()
        self._refused: set[tuple[str, str, str | None]] = set()
        self._broken: set[tuple[str, str]] = set()

    def may_read(self, type_: str, compartment: Compartment) -> bool:
        """Whether any record of this type and patient can be shown: asked before fetching."""
        scopes, refusal = self._usable(type_, compartment)
        if not scopes:
            self._refused.add((type_, refusal, compartment.patient))
            return False
        self._read.add(compartment.patient)
        return True

    def may_read_any(self, type_: str) -> bool:
        """Whether the caller's scopes and roles reach patients beyond a launch patient."""
        return any(
            scope.level == "system" or (scope.level == "user" and self._role_sees(type_))
            for scope in self._scopes
            if scope.names(type_)
        )

    def may_read_shared(self, type_: str) -> bool:
        """Whether any record of this type, which belongs to no patient, can be shown."""
        scopes, refusal = self._usable_shared(type_)
        if not scopes:
            self._refused.add((type_, refusal, None))
        return bool(scopes)

    def permits_shared(self, record: Labelled) -> bool:
        """As `permits`, of a record that belongs to no patient: its own labels close it to all."""
        scopes, refusal = self._usable_shared(record.type)
        if scopes and not any(not s.params or matches(s, record.tokens) for s in scopes):
            scopes, refusal = (), "scope"
        if scopes and record.labels & SENSITIVE:
            scopes, refusal = (), "label"
        if not scopes:
            self._refused.add((record.type, refusal, None))
        return bool(scopes)

    def may_write(self, type_: str, letter: str, compartment: Compartment) -> bool:
        """Whether a record of this type and patient can be created (`c`), changed (`u`), …."""
        return any(
            letter in scope.letters
            and not scope.params
            and scope.names(type_)
            and self._reaches(scope, type_, compartment)
            for scope in filter(None, map(parse_scope, self.caller.scopes))
        )

    def may_read_whole(self, type_: str, compartment: Compartment | None = None) -> bool:
        """Whether no scope's parameter narrows what is read of this type, of one patient or of any.

        What is computed over some of the records would else be told as if it were over all.
        """
        return any(
            not scope.params
            and (
                self._reaches(scope, type_, compartment)
                if compartment
                else scope.level == "system" or (scope.level == "user" and self._role_sees(type_))
            )
            for scope in self._scopes
            if scope.names(type_)
        )

    def permits(self, record: Described, compartment: Compartment) -> bool:
        scopes, refusal = self._usable(record.type, compartment)
        if scopes and not any(not s.params or matches(s, record.tokens) for s in scopes):
            scopes, refusal = (), "scope"
        closed = compartment.ruling.refusal(record) if scopes else None
        if closed and not self.is_herself(compartment):
            if compartment.ruling.grant is not None:
                self._broken.add((compartment.ruling.grant, record.type))
            else:
                scopes, refusal = (), closed
        if not scopes:
            self._refused.add((record.type, refusal, compartment.patient))
        return bool(scopes)

    def refuse(self, type_: str, reason: str, compartment: Compartment) -> None:
        """Note what a domain itself withholds of a record: an amount, a host's door."""
        self._refused.add((type_, reason, compartment.patient))

    def note_breaking(self, grant: str) -> None:
        """That the caller has taken a grant."""
        self._broken.add((grant, BREAKING))

    @property
    def launch(self) -> Link | None:
        return self._launch

    def has_role(self, role: str) -> bool:
        return role in self.caller.roles

    def report(self, subgraph: str, request_id: str) -> AccessReport:
        refusals = sorted(self._refused, key=lambda refused: tuple(part or "" for part in refused))
        return AccessReport(
            subgraph,
            request_id,
            tuple(sorted(self._read)),
            tuple(Refusal(*refused) for refused in refusals),
            tuple(GlassUse(*used) for used in sorted(self._broken)),
        )

    def _usable(
        self, type_: str, compartment: Compartment
    ) -> tuple[tuple[ClinicalScope, ...], str]:
        """The scopes that reach this type and patient, or else why none does."""
        covering = [scope for scope in self._scopes if scope.names(type_)]
        usable = tuple(scope for scope in covering if self._reaches(scope, type_, compartment))
        if usable or not covering:
            return usable, "scope"
        return (), "compartment" if covering[0].level == "patient" else "role"

    def _usable_shared(self, type_: str) -> tuple[tuple[ClinicalScope, ...], str]:
        """A launch patient's app may look up whom her records name, by a scope of any level."""
        assert type_ in SHARED | CALENDARS, (
            "whatever belongs to a patient is decided by her compartment"
        )
        covering = tuple(scope for scope in self._scopes if scope.names(type_))
        usable = tuple(
            scope
            for scope in covering
            if scope.level == "system"
            or (scope.level == "user" and self._role_sees(type_))
            or (scope.level == "patient" and self._launch is not None)
        )
        return usable, "role" if covering else "scope"

    def _reaches(self, scope: ClinicalScope, type_: str, compartment: Compartment) -> bool:
        match scope.level:
            case "patient":
                return self._launch in compartment.links
            case "user":
                return self._role_sees(type_)
            case "system":
                return True

    def _role_sees(self, type_: str) -> bool:
        seen = [STAFF[role] for role in self.caller.roles if role in STAFF]
        everything = type_ not in GOVERNED
        return any(
            type_ in types or type_ in SHARED or (everything and "*" in types) for types in seen
        )

    def is_herself(self, compartment: Compartment) -> bool:
        """Whether the patient asks: an application acting for her is not her, nor is a proxy."""
        if "patient" not in self.caller.roles or self._launch not in compartment.links:
            return False
        if self.caller.fhir_user is None or self._launch is None:
            return self.caller.fhir_user is None
        start, _, id_ = self.caller.fhir_user.rpartition("/")
        source, _, type_ = start.rpartition("/")
        # Without a source it is one of the launch patient's own server.
        user = Link(source or self._launch.source, id_)
        return type_ == "Patient" and user in compartment.links


def _launch_patient(caller: Caller) -> Link | None:
    source, _, id_ = (caller.patient or "").partition("/")
    return Link(source, id_) if source and id_ else None
