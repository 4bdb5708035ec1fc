"""FHIR R4 datatypes as they come over the wire: partial, lenient, decimals exact.

Unknown elements are dropped and absent ones are None or empty; only a value of the wrong JSON type
makes a resource unreadable. https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

import msgspec

from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.terms.codes import preferred, token_of

_HL7 = ("http://terminology.hl7.org/", "http://hl7.org/fhir/")


class Element(msgspec.Struct, frozen=True, rename="camel"):
    """The base of every wire model: frozen, its names in camelCase on the wire."""


class Coding(Element, frozen=True):
    system: str | None = None
    version: str | None = None
    code: str | None = None
    display: str | None = None

    @property
    def token(self) -> str:
        """`system|code` in one spelling, whichever the source writes."""
        return token_of(self.system, self.code)


class CodeableConcept(Element, frozen=True):
    coding: tuple[Coding, ...] = ()
    text: str | None = None

    @property
    def code(self) -> str | None:
        """For bindings that allow one code only: HL7's own, which may stand behind a local one."""
        coded = [coding for coding in self.coding if coding.code]
        own = (coding for coding in coded if (coding.system or "").startswith(_HL7))
        return next((coding.code for coding in (*own, *coded)), None)


class Quantity(Element, frozen=True):
    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element, frozen=True):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Money(Element, frozen=True):
    value: Decimal | None = None
    currency: str | None = None


class Period(Element, frozen=True):
    start: str | None = None
    end: str | None = None


class Identifier(Element, frozen=True):
    use: str | None = None
    type: CodeableConcept | None = None
    system: str | None = None
    value: str | None = None
    period: Period | None = None


class Reference(Element, frozen=True):
    reference: str | None = None
    type: str | None = None
    display: str | None = None
    identifier: Identifier | None = None

    @property
    def resource_type(self) -> str | None:
        return self._parts[0] or self.type

    def id_of(self, type_: str) -> str | None:
        """The id of the resource of `type_` this refers to, by a relative or absolute URL."""
        found, id_ = self._parts
        return id_ if found == type_ else None

    @property
    def _parts(self) -> tuple[str | None, str | None]:
        """Type and id of a literal reference: `Patient/7`, `https://…/Patient/7/_history/2`.

        https://hl7.org/fhir/R4/references.html#literal
        """
        # Split by hand: this runs once for every row, and a pattern costs ten times as much.
        path, _, _ = (self.reference or "").partition("/_history/")
        start, _, id_ = path.rpartition("/")
        type_ = start.rpartition("/")[2]
        return (type_, id_) if id_ and type_[:1].isupper() else (None, None)


class HumanName(Element, frozen=True):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: tuple[str | None, ...] = ()
    prefix: tuple[str | None, ...] = ()
    suffix: tuple[str | None, ...] = ()
    period: Period | None = None

    @property
    def full(self) -> str | None:
        parts = (*self.prefix, *self.given, self.family, *self.suffix)
        return self.text or " ".join(part for part in parts if part) or None


class Contained(Element, frozen=True):
    """A resource within another, as far as it names someone.

    https://hl7.org/fhir/R4/references.html#contained
    """

    id: str | None = None
    resource_type: str | None = None
    name: str | tuple[HumanName, ...] | None = None
    """An organization's is a text, a person's has parts."""
    identifier: tuple[Identifier, ...] | Identifier = ()
    """Some types have one alone."""
    practitioner: Reference | None = None
    """Whose role it is."""

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        return self.identifier if isinstance(self.identifier, tuple) else (self.identifier,)

    @property
    def full_name(self) -> str | None:
        if isinstance(self.name, str):
            return self.name
        return next((full for part in self.name or () if (full := part.full)), None)


class Address(Element, frozen=True):
    use: str | None = None
    text: str | None = None
    line: tuple[str | None, ...] = ()
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    period: Period | None = None


class ContactPoint(Element, frozen=True):
    system: str | None = None
    value: str | None = None
    use: str | None = None


class Annotation(Element, frozen=True):
    text: str | None = None
    time: str | None = None


class Extension(Element, frozen=True):
    """https://hl7.org/fhir/R4/extensibility.html"""

    url: str | None = None
    value_code: str | None = None
    value_string: str | None = None
    value_uri: str | None = None
    value_url: str | None = None
    value_date_time: str | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_reference: Reference | None = None
    extension: tuple[Extension, ...] = ()


class Attachment(Element, frozen=True):
    """https://hl7.org/fhir/R4/datatypes.html#Attachment"""

    content_type: str | None = None
    language: str | None = None
    data: str | None = None
    """Base64, as it came: decoded when somebody asks for it."""
    url: str | None = None
    size: int | None = None
    hash: str | None = None
    title: str | None = None
    creation: str | None = None


class Narrative(Element, frozen=True):
    status: str | None = None
    div: str | None = None


class Meta(Element, frozen=True):
    version_id: str | None = None
    last_updated: str | None = None
    security: tuple[Coding, ...] = ()


# More than FHIR allows, since servers do; without what would break a reference, a list of ids in a
# search or the parts of a sealed id.
Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x20/|,$\\]{1,128}$")]


class Resource(Element, frozen=True, kw_only=True):
    """What every resource has. https://hl7.org/fhir/R4/resource.html"""

    id: Id
    meta: Meta = Meta()


class Agent(Element, frozen=True):
    type: CodeableConcept | None = None
    who: Reference | None = None
    on_behalf_of: Reference | None = None


class ProvenanceRecord(Element, frozen=True):
    """https://hl7.org/fhir/R4/provenance.html"""

    recorded: str | None = None
    agent: tuple[Agent, ...] = ()


def author_of(told: ProvenanceRecord) -> tuple[str | None, str | None]:
    """The names of who wrote it and for whom; of several agents the author's."""
    agents = sorted(told.agent, key=lambda agent: not _is_author(agent))
    agent = next(iter(agents), None)
    if agent is None:
        return None, None
    who, organization = agent.who, agent.on_behalf_of
    if who and who.resource_type == "Organization":
        who, organization = None, who
    return (
        who.display if who else None,
        organization.display if organization else None,
    )


def _is_author(agent: Agent) -> bool:
    return agent.type is not None and agent.type.code == "author"


class Referring(Resource, frozen=True, kw_only=True):
    """One that names people and places, some of them within itself."""

    contained: Any = ()
    """As it came: what names nobody may be anything, and costs the record nothing."""
    provenance_resource: tuple[ProvenanceRecord, ...] = ()
    """Who recorded it: put here by the source, which asks for it."""


class PatientRecord(Protocol):
    """A resource that belongs to a patient."""

    @property
    def id(self) -> str: ...

    @property
    def meta(self) -> Meta: ...

    @property
    def owner(self) -> Reference | None: ...


RecordT = TypeVar("RecordT", bound=PatientRecord)
ModelT = TypeVar("ModelT")


def _is_owned(record: Any, patient: str) -> bool:
    """Of a `PatientRecord`."""
    return record.owner is not None and record.owner.id_of("Patient") == patient


def translate(
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    model: type[ModelT],
    belongs: Callable[[ModelT, str], bool] = _is_owned,
) -> Answer[ModelT]:
    """Decode what a search found, keyed by what it was asked by: for most types the patient.

    A resource that cannot be read, or names another patient than the one it was found for, is
    left out and its patient is marked: no upstream is trusted to have filtered.
    """
    rows: dict[str, list[ModelT]] = {}
    damaged = set()
    for patient, resources in found.items():
        rows[patient] = []
        for resource in resources:
            try:
                record = msgspec.convert(resource, model)
            except (msgspec.ValidationError, RecursionError):
                damaged.add(patient)
                continue
            if not belongs(record, patient):
                damaged.add(patient)
                continue
            rows[patient].append(record)
    return Answer(rows, frozenset(damaged))


def tokens(concepts: Iterable[CodeableConcept | None]) -> frozenset[str]:
    """The codes of some concepts as search tokens: `code` and `system|code` of each.

    `system|code` both as it was sent and in the one spelling.
    """
    codings = [coding for concept in concepts if concept for coding in concept.coding]
    return frozenset(
        token
        for coding in codings
        if coding.code
        for token in (coding.code, f"{coding.system or ''}|{coding.code}", coding.token)
    )


def subjects(concept: CodeableConcept | None) -> frozenset[str]:
    """What a concept is about, as every `system|code` of it."""
    return _coded(concept.coding) if concept else frozenset()


# A chart repeats few codes in many rows.
@lru_cache(maxsize=8192)
def _coded(codings: tuple[Coding, ...]) -> frozenset[str]:
    return frozenset(coding.token for coding in codings if coding.system and coding.code)


class PatientSearch(Protocol):
    """The part of a FHIR server that sources by patient need."""

    async def search_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> dict[str, list[dict[str, Any]]]: ...


async def search_patients(
    server: PatientSearch,
    resource_type: str,
    model: type[RecordT],
    patients: Sequence[str],
    others: Mapping[str, Any] | None = None,
    *,
    param: str = "patient",
) -> Answer[RecordT]:
    """All resources of a type of some patients: a search every US Core server offers."""
    return translate(await server.search_by(resource_type, param, patients, others), model)


def canonical_code(concept: CodeableConcept | None) -> str | None:
    """The one `system|code` a concept is compared by; None without any."""
    return preferred(subjects(concept))
