"""Which key leads where: several per type, compound, unknown, and none at all."""

from tests.gateway.federated.kit import LINK, Case, Subgraph, Suite

ADA = {"mrn": "m1", "name": "Ada", "address": {"city": "Paris"}}
BOB = {"mrn": "m2", "name": "Bob", "address": None}
NEW = {"mrn": "m3", "name": "New", "address": {"city": "Rome"}}
POTASSIUM = {"order": {"number": 7, "site": "west"}, "value": 4.1}
SODIUM = {"order": {"number": 7, "site": "east"}, "value": 140.0}

REGISTRY = Subgraph(
    LINK
    + """
    type Query { patient(mrn: String!): Patient patients: [Patient!]! byName: [[Patient]] }
    type Patient @key(fields: "mrn") {
      mrn: String! name: String address: Address @shareable
    }
    type Address { city: String }
    """,
    roots={
        "patient": lambda mrn: next((p for p in (ADA, BOB, NEW) if p["mrn"] == mrn), None),
        "patients": [ADA, BOB, NEW, ADA],
        "byName": [[ADA, None], None, [BOB]],
    },
    rows={"Patient": [ADA, BOB, NEW]},
)
# The only one who knows both names of a patient.
INDEX = Subgraph(
    LINK + 'type Patient @key(fields: "mrn") @key(fields: "id") { mrn: String! id: ID! }',
    rows={"Patient": [{"mrn": "m1", "id": "1"}, {"mrn": "m2", "id": "2"}]},
)
LABS = Subgraph(
    LINK
    + """
    type Patient @key(fields: "id") { id: ID! results: [Result!] }
    type Result @key(fields: "order { number site }") { order: Order! value: Float }
    type Order @shareable { number: Int! site: String! }
    """,
    rows={
        "Patient": [
            {"id": "1", "results": [POTASSIUM, SODIUM]},
            {"id": "2", "results": []},
        ]
    },
)
ARCHIVE = Subgraph(
    LINK
    + """
    type Result @key(fields: "order { site number }") { order: Order! scan: String }
    type Order @shareable { number: Int! site: String! }
    """,
    rows={
        "Result": [
            {"order": {"number": 7, "site": "west"}, "scan": "w7"},
            {"order": {"number": 7, "site": "east"}, "scan": "e7"},
        ]
    },
)
# An address has no key: whoever knows its zip is reached through the patient.
POST = Subgraph(
    LINK
    + """
    type Patient @key(fields: "id") { id: ID! address: Address @shareable }
    type Address { zip: String }
    """,
    rows={"Patient": [{"id": "1", "address": {"zip": "75001"}}, {"id": "2", "address": None}]},
)

SUITE = Suite(
    "keys",
    {"registry": REGISTRY, "index": INDEX, "labs": LABS, "archive": ARCHIVE, "post": POST},
    (
        Case(
            "one subgraph is enough",
            '{ patient(mrn: "m1") { name mrn } }',
            {"patient": {"name": "Ada", "mrn": "m1"}},
            requests=1,
        ),
        Case("nobody there", '{ patient(mrn: "x") { id } }', {"patient": None}, requests=1),
        Case(
            "a key for a key",
            '{ patient(mrn: "m1") { name results { value } } }',
            {"patient": {"name": "Ada", "results": [{"value": 4.1}, {"value": 140}]}},
            requests=3,
        ),
        Case(
            "a compound key, its fields in another order",
            '{ patient(mrn: "m1") { results { scan } } }',
            {"patient": {"results": [{"scan": "w7"}, {"scan": "e7"}]}},
            requests=4,
        ),
        Case(
            "a patient the index does not know has no id, which was promised",
            '{ a: patient(mrn: "m3") { name id } }',
            {"a": None},
            requests=2,
            errors=(("SUBGRAPH_INVALID_RESPONSE", ("a", "id")),),
        ),
        Case(
            "a patient the index does not know has no results, and that is all",
            "{ patients { name results { value } } }",
            {
                "patients": [
                    {"name": "Ada", "results": [{"value": 4.1}, {"value": 140}]},
                    {"name": "Bob", "results": []},
                    {"name": "New", "results": None},
                    {"name": "Ada", "results": [{"value": 4.1}, {"value": 140}]},
                ]
            },
            requests=3,
        ),
        Case(
            "lists in lists, with holes",
            "{ byName { id } }",
            {"byName": [[{"id": "1"}, None], None, [{"id": "2"}]]},
            requests=2,
        ),
        Case(
            "through the parent, for want of a key",
            '{ patient(mrn: "m1") { address { zip city } } }',
            {"patient": {"address": {"zip": "75001", "city": "Paris"}}},
            requests=3,
        ),
        Case(
            "aliases and arguments by variable",
            "query ($a: String!) { x: patient(mrn: $a) { n: name i: id r: results { v: value } } }",
            {"x": {"n": "Bob", "i": "2", "r": []}},
            requests=3,
            variables={"a": "m2"},
        ),
    ),
)
