"""Images: the addresses a viewer asks are made of UIDs and an endpoint, and of nothing else."""

import msgspec
import pytest

from subgraphs.connectors.errors import Refused, Rejected
from subgraphs.diagnostics.model import ImagingStudy
from subgraphs.diagnostics.model.dicomweb import wado_url
from subgraphs.diagnostics.sources.fhir import FhirDiagnostics

WADO = {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"}
STUDY = [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.840.1"}]
PACS = "https://pacs.example/dicom-web"


def endpoint(id_="e", address=PACS, code="dicom-wado-rs", **fields):
    return {
        "resourceType": "Endpoint",
        "id": id_,
        "status": "active",
        "connectionType": {**WADO, "code": code},
        "address": address,
        **fields,
    }


def study(*endpoints, **fields):
    wire = {
        "id": "1",
        "subject": {"reference": "Patient/p1"},
        "identifier": STUDY,
        "endpoint": [{"reference": "Endpoint/e"}],
        "series": [{"uid": "1.2.3", "instance": [{"uid": "1.2.3.4"}]}],
        "endpointResource": list(endpoints),
        **fields,
    }
    return msgspec.convert(wire, ImagingStudy)


def urls(found):
    (series,) = found.series
    (instance,) = series.instance
    return wado_url(found), wado_url(found, series), wado_url(found, series, instance)


def test_a_study_its_series_and_their_objects_each_have_an_address():
    assert urls(study(endpoint())) == (
        f"{PACS}/studies/1.2.840.1",
        f"{PACS}/studies/1.2.840.1/series/1.2.3",
        f"{PACS}/studies/1.2.840.1/series/1.2.3/instances/1.2.3.4",
    )


def test_a_series_may_lie_elsewhere():
    elsewhere = endpoint("f", "https://archive.example/wado/")
    series = [{"uid": "1.2.3", "endpoint": [{"reference": "Endpoint/f"}], "instance": [{}]}]
    whole, part, instance = urls(study(endpoint(), elsewhere, series=series))
    assert whole == f"{PACS}/studies/1.2.840.1"
    assert part == "https://archive.example/wado/studies/1.2.840.1/series/1.2.3"
    assert instance is None


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("https://user:secret@pacs.example/dw?token=secret#secret", "https://pacs.example/dw"),
        ("http://[::1]:8042/dw", "http://[::1]:8042/dw"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("//pacs.example/dw", None),
        ("https://", None),
        ("https://pacs.example:port/dw", None),
        ("", None),
        (None, None),
    ],
)
def test_an_endpoint_s_address_is_taken_for_no_more_than_one(address, root):
    expected = root and f"{root}/studies/1.2.840.1"
    assert wado_url(study(endpoint(address=address))) == expected


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"endpointResource": [endpoint(code="hl7-fhir-rest")]}, id="another protocol"),
        pytest.param({"endpointResource": [endpoint(status="off")]}, id="not in use"),
        pytest.param({"endpointResource": []}, id="no endpoint"),
        pytest.param({"identifier": []}, id="no UID"),
        pytest.param(
            {"identifier": [{**STUDY[0], "value": "urn:oid:../../patients"}]}, id="no such UID"
        ),
        pytest.param({"identifier": [{**STUDY[0], "value": "1" * 65}]}, id="too long for a UID"),
    ],
)
def test_what_has_no_address_gets_none(changed):
    found = study(**{"endpointResource": [endpoint()], **changed})
    assert urls(found) == (None, None, None)


class FakeServer:
    """`takes`: whether it brings endpoints along, and whether it lets them be read."""

    def __init__(self, *, includes=True, reads=True):
        self.includes, self.reads = includes, reads
        self.asked = []

    def rows(self):
        owner, e = {"reference": "Patient/p1"}, [{"reference": "Endpoint/e"}]
        junk = {"series": "junk", "endpoint": [3, {"reference": 3}]}
        return {"p1": [{"id": "1", "subject": owner, "endpoint": e, "series": []}, junk]}

    async def search_including(self, type_, _param, _keys, others=None):
        if "_revinclude" in (others or {}):
            raise Rejected(400)
        self.asked.append((type_, dict(others or {})))
        if not self.includes and others:
            raise Rejected(400)
        return self.rows(), [] if not others else [
            endpoint(),
            {"resourceType": "Patient", "id": "x"},
        ]

    async def read(self, type_, ids):
        self.asked.append((type_, list(ids)))
        if not self.reads:
            raise Refused("no")
        return {id_: endpoint(id_) for id_ in ids}


async def test_endpoints_come_along_where_the_server_brings_them():
    server = FakeServer()
    answer = await FhirDiagnostics(server).studies(["p1"])
    assert [e.address for e in answer.rows["p1"][0].endpoint_resource] == [PACS]
    assert answer.damaged == {"p1"}
    assert server.asked == [("ImagingStudy", {"_include": "ImagingStudy:endpoint"})]


async def test_they_are_read_in_one_more_call_where_it_does_not():
    server = FakeServer(includes=False)
    source = FhirDiagnostics(server)
    for _ in range(2):
        answer = await source.studies(["p1"])
        assert [e.address for e in answer.rows["p1"][0].endpoint_resource] == [PACS]
    assert [type_ for type_, _ in server.asked] == [
        "ImagingStudy",
        *("ImagingStudy", "Endpoint"),
        *("ImagingStudy", "Endpoint"),
    ]


async def test_without_them_the_study_is_there_all_the_same():
    answer = await FhirDiagnostics(FakeServer(includes=False, reads=False)).studies(["p1"])
    assert [s.endpoint_resource for s in answer.rows["p1"]] == [()]
