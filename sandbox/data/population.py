"""Everyone, in every source they are known to; and what is really so.

The same seed, count and day give the same population, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from sandbox.data.appointments import HEARTHSIDE, ZOOM, AppointmentBook, BookedVisit
from sandbox.data.authorizations import record_authorizations
from sandbox.data.care_teams import record_care_teams
from sandbox.data.chart import Chart, Visit, make_chart
from sandbox.data.claim_files import Biller, FiledClaim, write_claim_files
from sandbox.data.codes import HPV
from sandbox.data.consents import record_consents, record_research_opt_out
from sandbox.data.dialect import as_ehr_b
from sandbox.data.directory import Practitioner, record_directory
from sandbox.data.history import record_imaging_endpoint
from sandbox.data.measurements import record_labs
from sandbox.data.medications import copy_prescriptions, record_formulary
from sandbox.data.messages import record_messages
from sandbox.data.payer import (
    Accumulator,
    Billing,
    Member,
    member_id,
    record_claims,
    record_coverage,
    record_insurer,
    record_provider,
)
from sandbox.data.people import (
    Likeness,
    Lookalikes,
    Person,
    Variation,
    make_guardian,
    make_lookalikes,
    make_people,
    vary,
)
from sandbox.data.recorder import Recorder
from sandbox.data.records import record_chart, record_guardian, record_patient
from sandbox.data.seeds import stream
from sandbox.data.shapes import Reference, Resource
from sandbox.data.source import SourceBuilder
from sandbox.data.staff import SITES, STAFF, record_network
from sandbox.truth import TrueLookalikes, TruePerson, Truth

MIN_PATIENTS = 24
_GROWN_UP = 18
MAX_PATIENTS = 9_000
"""Of whom each has a number of four digits to end the social security number on."""
EHR_A, EHR_B, PAYER = "ehr-a", "ehr-b", "payer"
TITLES = {EHR_A: SITES[EHR_A].title, EHR_B: SITES[EHR_B].title, PAYER: "Meadow Mutual"}
_NO_LIST: Mapping[str, Reference] = {}
_VENDORS = {EHR_A: HEARTHSIDE, EHR_B: ZOOM}


@dataclass(frozen=True, slots=True)
class Population:
    """`launch_patient`, `clinician`, `child` and `guardian` are the ids in EHR-A of the personas of
    these names, and of whom the last stands by."""

    resources: Mapping[str, list[Resource]]
    visits: Mapping[str, Sequence[BookedVisit]]
    """By the vendor that holds them."""
    members: tuple[Member, ...]
    claims: tuple[FiledClaim, ...]
    today: datetime
    claim_files: Mapping[str, str]
    """X12 files by name: what the EHRs have submitted, and what the payer has paid."""
    truth: Truth
    launch_patient: str
    clinician: str
    child: str
    guardian: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A person and the EHRs that know them, each with its own record of who they are."""

    person: Person
    records: Mapping[str, Person]
    variations: tuple[Variation, ...] = ()


def build_population(seed: int, patients: int, today: date) -> Population:
    """Raises ValueError for too few patients to show what there is to show, and for too many."""
    if patients < MIN_PATIENTS:
        raise ValueError(f"at least {MIN_PATIENTS} patients are needed")
    if patients > MAX_PATIENTS:
        raise ValueError(f"at most {MAX_PATIENTS} patients can be told apart")
    return _PopulationBuilder(seed, datetime.combine(today, time(), UTC)).build(patients)


class _PopulationBuilder:
    def __init__(self, seed: int, today: datetime) -> None:
        self._seed = seed
        self._today = today
        self._sources = {
            EHR_A: SourceBuilder(EHR_A, seed),
            EHR_B: SourceBuilder(EHR_B, seed, long_ids=True, rewrite=as_ehr_b),
            PAYER: SourceBuilder(PAYER, seed),
        }
        self._directories = {
            name: record_directory(self._sources[name], SITES[name], STAFF[name], today)
            for name in (EHR_A, EHR_B)
        }
        for name, directory in self._directories.items():
            record_imaging_endpoint(self._sources[name], directory.organization, today)
        self._books = {
            name: AppointmentBook(self._sources[name], directory, today, _VENDORS[name])
            for name, directory in self._directories.items()
        }
        self._formularies = {
            EHR_A: _NO_LIST,
            EHR_B: record_formulary(self._sources[EHR_B], today),
        }
        payer = self._sources[PAYER]
        self._insurer = record_insurer(payer, today)
        self._providers = {
            name: record_provider(payer, SITES[name], today) for name in (EHR_A, EHR_B)
        }
        record_network(payer, self._providers, today)
        self._claims: list[FiledClaim] = []
        self._members: list[Member] = []
        self._true: list[TruePerson] = []

    def build(self, patients: int) -> Population:
        pairs_from = patients - 2 * 2 * len(Likeness)
        everyone = [self._spread(p) for p in make_people(self._seed, pairs_from)]
        pairs = make_lookalikes(self._seed, pairs_from)
        for pair in pairs:
            one, other = pair.people
            everyone += [_Known(one, {EHR_A: one}), _Known(other, {EHR_B: other})]
        for known in everyone:
            self._record(known)
        for book in self._books.values():
            book.close()
        self._consents()
        child, guardian = self._family()
        return Population(
            resources={name: source.resources for name, source in self._sources.items()},
            visits={book.vendor.name: book.visits for book in self._books.values()},
            members=tuple(self._members),
            claims=tuple(self._claims),
            today=self._today,
            claim_files=write_claim_files(self._claims, self._today),
            truth=Truth(tuple(self._true), tuple(map(self._true_pair, pairs))),
            launch_patient=self._true[0].ids[EHR_A],
            child=child,
            guardian=guardian,
            clinician=self._directories[EHR_A].practitioners[0].reference["reference"][13:],
        )

    def _consents(self) -> None:
        shared = {person.ids[EHR_B] for person in self._true if person.ids.keys() >= {EHR_A, EHR_B}}
        record_consents(self._sources[EHR_B], shared, self._today)
        launch = _patient(self._true[0].ids[EHR_A])
        record_research_opt_out(self._sources[EHR_A], launch, self._today)

    def _family(self) -> tuple[str, str]:
        """A minor of EHR-A and who stands by them: the first who may decide some things alone."""
        source = self._sources[EHR_A]
        stand_by = [each for each in source.resources if each["resourceType"] == "RelatedPerson"]
        vaccinated = {
            each["patient"]["reference"]
            for each in source.resources
            if each["resourceType"] == "Immunization"
            and each["vaccineCode"]["coding"][0]["code"] == HPV.code
        }
        those = sorted(stand_by, key=lambda each: each["patient"]["reference"] not in vaccinated)
        return _id(those[0]["patient"]), those[0]["id"]

    def _spread(self, person: Person) -> _Known:
        """A third of the people are known to both EHRs; the others to one of them."""
        shared, turn = person.number % 3 == 0, person.number // 3
        if not shared:
            return _Known(person, {EHR_A if person.number % 3 == 1 else EHR_B: person})
        kinds = tuple(Variation)
        variations = [kinds[turn % len(kinds)]]
        if turn % 3 == 2 and variations[0] is not Variation.BIRTHDATE_SLIP:  # noqa: PLR2004
            variations.append(kinds[(turn + 2) % (len(kinds) - 1)])
        varied = person
        for variation in variations:
            varied = vary(varied, variation, stream(self._seed, variation, person.number))
        return _Known(person, {EHR_A: person, EHR_B: varied}, tuple(variations))

    def _record(self, known: _Known) -> None:
        person = known.person
        chart = make_chart(self._seed, person, self._today)
        insured = person.number % 8 != 7  # noqa: PLR2004 - the last of each eight is not
        member = member_id(self._sources[PAYER], person) if insured else None
        ids = {}
        for turn, (name, record) in enumerate(known.records.items()):
            visits = chart.visits[turn :: len(known.records)]
            ids[name] = self._record_in_ehr(name, record, chart, visits, member)
        if len(known.records) > 1:
            self._copy_result(known, chart, ids[EHR_B])
            copied = self._recorder(EHR_B, known.person.number, _patient(ids[EHR_B]))
            copy_prescriptions(copied, chart, chart.visits[::2])
        if insured:
            ids[PAYER] = self._record_at_payer(person, chart, known.records, ids.get(EHR_A))
        self._true.append(TruePerson(person.number, ids, known.variations))

    def _record_in_ehr(
        self, name: str, record: Person, chart: Chart, visits: tuple[Visit, ...], member: str | None
    ) -> str:
        source, directory = self._sources[name], self._directories[name]
        number = record.number
        doctor = self._doctor(name, number)
        # Half of those insured have shown their card, and only at EHR-A.
        shown = member if name == EHR_A and number % 2 == 0 else None
        patient = record_patient(
            source, record, directory.organization, doctor.reference, shown, chart.visits[-1].start
        )
        if record.age < _GROWN_UP:
            guardian = make_guardian(self._seed, record)
            record_guardian(source, guardian, patient, chart.visits[-1].start)
        recorder = self._recorder(name, number, patient)
        record_chart(recorder, chart, visits, self._today)
        record_care_teams(recorder, chart)
        self._appointments(name, number, patient, replace(chart, visits=visits))
        if number % 3 == 0:
            record_messages(source, number, patient, doctor, self._today)
        return _id(patient)

    def _doctor(self, name: str, number: int) -> Practitioner:
        practitioners = self._directories[name].practitioners
        return practitioners[number % len(practitioners)]

    def _recorder(self, name: str, number: int, patient: Reference) -> Recorder:
        return Recorder(
            self._sources[name],
            self._directories[name],
            self._doctor(name, number),
            patient,
            number,
            self._formularies[name],
        )

    def _appointments(self, name: str, number: int, patient: Reference, chart: Chart) -> None:
        book = self._books[name]
        book.record_past(number, patient, chart)
        if number == 0:
            book.book(number, patient, virtual=name == EHR_A, days=1 if name == EHR_A else 5)
        elif number % 2 == 0 and not chart.person.deceased:
            book.book(number, patient, virtual=number % 4 == 0, days=1 + number % 5)

    def _copy_result(self, known: _Known, chart: Chart, patient_b: str) -> None:
        """EHR-B keeps a copy of the last A1c drawn at EHR-A: one fact, in two places."""
        drawn = [visit for visit in chart.visits[::2] if "a1c" in visit.labs]
        if drawn:
            last = drawn[-1]
            copied = replace(last, labs={"a1c": last.labs["a1c"]}, phq9=None)
            patient = _patient(patient_b)
            performer = self._directories[EHR_B].organization
            number = known.person.number
            record_labs(self._sources[EHR_B], number, patient, None, performer, copied)

    def _record_at_payer(
        self, person: Person, chart: Chart, ehrs: Iterable[str], patient_a: str | None
    ) -> str:
        source = self._sources[PAYER]
        record = replace(person, ssn=person.ssn if person.number % 2 else None)
        if person.number % 5 == 4:  # noqa: PLR2004 - one in five has not told their payer
            record = vary(record, Variation.MOVED, stream(self._seed, "payer", person.number))
        card = member_id(source, person)
        patient = record_patient(source, record, self._insurer, None, card, chart.visits[-1].start)
        today = self._today.date()
        coverage, member = record_coverage(source, record, patient, self._insurer, today)
        billing = Billing(
            source,
            record,
            card,
            patient,
            self._insurer,
            tuple((self._providers[name], _biller(name)) for name in ehrs),
            coverage,
        )
        self._claims += record_claims(billing, chart, self._seed, member.until)
        if member.active:
            record_authorizations(billing, chart, self._order(patient_a), self._today)
        met = billing.years.get(today.year, Accumulator())
        self._members.append(replace(member, met=met))
        return _id(patient)

    def _order(self, patient: str | None) -> Resource | None:
        """What EHR-A prescribes to them and labels as nothing."""
        orders = (
            resource
            for resource in self._sources[EHR_A].resources
            if resource["resourceType"] == "MedicationRequest"
            and resource["subject"]["reference"] == f"Patient/{patient}"
            and resource["status"] == "active"
            and "security" not in resource["meta"]
        )
        return next(orders, None) if patient else None

    def _true_pair(self, pair: Lookalikes) -> TrueLookalikes:
        by_number = {person.number: person for person in self._true}
        one, other = (
            tuple(f"{source}/{id_}" for source, id_ in by_number[person.number].ids.items())
            for person in pair.people
        )
        return TrueLookalikes(pair.likeness, one, other)


def _biller(name: str) -> Biller:
    return Biller(name, SITES[name].title, SITES[name].npi)


def _patient(id_: str) -> Reference:
    return {"reference": f"Patient/{id_}"}


def _id(reference: Reference) -> str:
    return reference["reference"].partition("/")[2]
