"""Whatever the records, merging is idempotent, independent of their order, and undone by taking
away; no id is ever lost. CHARTGRAPH_EXAMPLES asks for more than the few that run by default."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subgraphs.diagnostics.kinds import OBSERVATIONS
from subgraphs.diagnostics.model import Observation
from subgraphs.records.kinds import CONDITIONS
from subgraphs.records.model import Condition
from subgraphs.runtime.access import NOBODY, Access, Compartment
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.facts import merge
from subgraphs.runtime.fhir import CodeableConcept, Coding, Extension, Meta, Quantity, Reference
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.kinds import Detail, Kind
from subgraphs.runtime.merging import conflicts_of, group, lead_first, newest_versions
from subgraphs.runtime.request import Request, Subgraph
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.subgraphs.signed import KEY

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MANY = settings(max_examples=int(os.environ.get("CHARTGRAPH_EXAMPLES", "60")), deadline=None)
ADA = Compartment("ada", tuple(Link(source, "p") for source in ("a", "b", "c")), "1962-03-14")
REPLACES = "http://hl7.org/fhir/StructureDefinition/observation-replaces"
IDS = [str(number) for number in range(4)]
DAYS = ["2026-01-05", "2026-01-05T08:00:00Z", "2026-01-05T03:00:00-05:00", "2026-01-06", "2026"]


def coded(*codes):
    return CodeableConcept(tuple(Coding("http://loinc.org", None, code) for code in codes))


observations = st.builds(
    Observation,
    id=st.sampled_from(IDS),
    meta=st.builds(Meta, last_updated=st.sampled_from([None, "2026-02-01", "2026-03-01"])),
    code=st.sampled_from([coded("4548-4"), coded("4548-4", "9"), coded("9"), None]),
    status=st.sampled_from(["final", "corrected", "preliminary", "entered-in-error"]),
    effective_date_time=st.sampled_from([*DAYS, None]),
    value_quantity=st.builds(
        Quantity,
        value=st.decimals(6, 8, places=1),
        unit=st.sampled_from(["%", "mmol/mol", "arb"]),
    ),
    extension=st.lists(
        st.builds(
            lambda id_: Extension(url=REPLACES, value_reference=Reference(f"Observation/{id_}")),
            st.sampled_from(IDS),
        ),
        max_size=1,
    ).map(tuple),
)
conditions = st.builds(
    Condition,
    id=st.sampled_from(IDS),
    code=st.sampled_from([coded("E11.9"), coded("I10"), None]),
    clinical_status=st.sampled_from([coded("active"), coded("resolved"), None]),
    verification_status=st.sampled_from([coded("refuted"), coded("entered-in-error"), None]),
    onset_date_time=st.sampled_from([*DAYS, "2019", None]),
    abatement_date_time=st.sampled_from([None, "2020", "2026-01-06"]),
)


def held(resources):
    """Records of three sources, each id once in a source."""
    return st.lists(
        st.builds(
            lambda source, resource: Record(source, "p", resource, NOW),
            st.sampled_from("abc"),
            resources,
        ),
        max_size=12,
        unique_by=lambda record: (record.source, record.resource.id),
    )


CHARTS = st.one_of(
    st.tuples(st.just(OBSERVATIONS), held(observations)),
    st.tuples(st.just(CONDITIONS), held(conditions)),
)


def key(record):
    return record.source, record.resource.id


def grouped(kind, records):
    return {frozenset(key(each.record) for each in fact) for fact in group(kind, records)}


def facts(kind, records):
    graph = Subgraph("records", IdSeal(KEY), Crosswalk(KEY), None, {}, lambda: NOW)
    return merge(Request(graph, Access(NOBODY)), kind, records, ADA)


@MANY
@given(CHARTS, st.randoms())
def test_the_order_of_arrival_changes_nothing(chart, random):
    kind, records = chart
    expected = sorted(facts(kind, records), key=lambda fact: fact.id)
    shuffled = random.sample(records, len(records))
    found = sorted(facts(kind, shuffled), key=lambda fact: fact.id)
    for one, other in zip(expected, found, strict=True):
        assert (one.id, one.records, one.leading) == (other.id, other.records, other.leading)
        assert (one.resource, one.conflicts, one.labels) == (
            other.resource,
            other.conflicts,
            other.labels,
        )


@MANY
@given(CHARTS)
def test_what_arrives_twice_is_there_once(chart):
    kind, records = chart
    assert grouped(kind, records + records) == grouped(kind, records)


@MANY
@given(CHARTS, st.sampled_from("abc"))
def test_without_a_source_the_others_are_what_they_were_without_it(chart, away):
    """Nothing is remembered: linking a source and unlinking it again leaves no trace."""
    kind, records = chart
    others = [record for record in records if record.source != away]
    before = grouped(kind, others)
    grouped(kind, records)
    assert grouped(kind, others) == before
    # And what each of the others says for itself never depended on it.
    alone = {key(each.record) for each in newest_versions(kind, others)}
    assert alone == {
        key(e.record) for e in newest_versions(kind, records) if e.record.source != away
    }


@MANY
@given(CHARTS)
def test_every_record_is_in_one_fact_and_every_reference_resolves(chart):
    kind, records = chart
    found = facts(kind, records)
    for record in records:
        ref = RecordRef(record.source, kind.type, record.resource.id, "p")
        holding = [fact for fact in found if fact.holds(ref)]
        assert len(holding) == (0 if kind.retracted(record.resource) else 1)
    for fact in found:
        sources = [record.source for record in fact.records]
        assert len(sources) == len(set(sources))
        assert sorted(map(key, fact.leading)) == sorted(map(key, fact.records))


@MANY
@given(CHARTS)
def test_no_disagreement_is_hidden(chart):
    kind, records = chart
    for fact in facts(kind, records):
        told = {conflict.path: dict(conflict.values) for conflict in fact.conflicts}
        for detail in kind.details:
            said = [(r.source, detail.read(r.resource)) for r in fact.records]
            values = [(source, value) for source, value in said if value is not None]
            if any(not detail.agree(one, other) for _, one in values for _, other in values):
                assert told[detail.path].keys() == {source for source, _ in values}
            else:
                assert detail.path not in told


def observation(id_, **fields):
    defaults = {
        "code": coded("4548-4"),
        "status": "final",
        "effective_date_time": "2026-01-05T08:00:00Z",
        "value_quantity": Quantity(unit="%"),
    }
    return Observation(id=id_, **(defaults | fields))


def newest(*resources):
    records = [Record("a", "p", resource, NOW) for resource in resources]
    return [
        (each.record.resource.id, [old.resource.id for old in each.replaced])
        for each in newest_versions(OBSERVATIONS, records)
    ]


def replacing(id_, old, **fields):
    link = Extension(url=REPLACES, value_reference=Reference(f"Observation/{old}"))
    return observation(id_, extension=(link,), **fields)


def test_a_correction_replaces_its_predecessor():
    later = {"effective_date_time": "2026-01-06T08:00:00Z"}
    assert newest(observation("1"), replacing("2", "1", **later)) == [("2", ["1"])]
    assert newest(observation("1"), observation("2", status="corrected")) == [("2", ["1"])]
    chain = newest(observation("1"), replacing("2", "1"), replacing("3", "2"))
    assert chain == [("3", ["1", "2"])]


def test_another_test_moment_or_day_is_no_predecessor():
    corrected = observation("2", status="corrected")
    assert newest(observation("1", code=coded("9")), corrected) == [("1", []), ("2", [])]
    other = observation("1", effective_date_time="2026-01-05T09:00:00Z")
    assert newest(other, corrected) == [("1", []), ("2", [])]
    days = [
        observation(id_, effective_date_time="2026-01-05", status=status)
        for id_, status in (("1", "final"), ("2", "corrected"))
    ]
    assert newest(*days) == [("1", []), ("2", [])]


def test_what_was_entered_in_error_replaces_nothing():
    wrong = replacing("2", "1", status="entered-in-error")
    assert newest(observation("1"), wrong) == [("1", [])]
    assert newest(wrong) == []


def test_records_that_replace_each_other_in_a_circle_are_one():
    assert newest(replacing("1", "2"), replacing("2", "1")) == [("2", ["1"])]
    assert newest(replacing("1", "1")) == [("1", [])]
    behind = newest(
        observation("0"), replacing("1", "0"), replacing("1b", "2"), replacing("2", "1b")
    )
    assert behind == [("1", ["0"]), ("2", ["1b"])]


def test_a_long_chain_of_versions_is_one_result():
    chain = [replacing(f"{number:04}", f"{number - 1:04}") for number in range(5000)]
    ((standing, replaced),) = newest(*chain)
    assert standing == "4999"
    assert len(replaced) == 4999


def test_another_source_s_copy_of_what_was_corrected_is_the_same_fact():
    day = {"effective_date_time": "2026-01-05"}
    old = observation("1", value_quantity=Quantity(7, unit="%"), **day)
    corrected = replacing("2", "1", value_quantity=Quantity(8, unit="%"), status="corrected", **day)
    records = [Record("a", "p", old, NOW), Record("a", "p", corrected, NOW)]
    copied = Record("b", "p", old, NOW)
    (fact,) = group(OBSERVATIONS, [*records, copied])
    assert [key(each.record) for each in fact] == [("a", "2"), ("b", "1")]
    leading = lead_first(OBSERVATIONS, [each.record for each in fact])
    assert key(leading[0]) == ("a", "2")
    assert {each.path for each in conflicts_of(OBSERVATIONS, leading)} == {"value", "status"}


def test_a_kind_for_orders_names_a_differing_dose():
    orders = Kind(
        type="MedicationRequest",
        rank=lambda order: order.effective_date_time,
        same=lambda order: order.code,
        details=(Detail("dose", lambda order: order.value_quantity.value),),
    )
    records = [
        Record(source, "p", observation("1", value_quantity=Quantity(dose)), NOW)
        for source, dose in (("a", 5), ("b", 10))
    ]
    (fact,) = facts(orders, records)
    assert [(each.path, each.values) for each in fact.conflicts] == [
        ("dose", (("a", "5"), ("b", "10")))
    ]


def test_more_of_one_code_than_any_chart_has_are_not_compared():
    records = [
        Record(source, "p", observation(str(number)), NOW)
        for source in "ab"
        for number in range(200)
    ]
    assert len(group(OBSERVATIONS, records)) == len(records)


@pytest.mark.parametrize("kind", [OBSERVATIONS, CONDITIONS])
def test_nothing_of_nothing(kind):
    assert group(kind, []) == []
