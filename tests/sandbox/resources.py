"""Ways around in the population's resources."""

from sandbox.data.appointments import VIRTUAL_SERVICE

EHRS = ("ehr-a", "ehr-b")


def of(population, source, type_):
    return [r for r in population.resources[source] if r["resourceType"] == type_]


def by_id(population, source):
    return {f"{r['resourceType']}/{r['id']}": r for r in population.resources[source]}


def patient(population, source_id):
    source, _, id_ = source_id.partition("/")
    return by_id(population, source)[f"Patient/{id_}"]


def codes(concept):
    return {(coding["system"], coding["code"]) for coding in concept["coding"]}


def walk(node):
    yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from walk(child)


def appointments(population, source, person):
    actor = {"reference": f"Patient/{person.ids[source]}"}
    return [
        a
        for a in of(population, source, "Appointment")
        if actor in [participant["actor"] for participant in a["participant"]]
    ]


def session_key(appointment):
    for extension in appointment.get("extension", ()):
        if extension["url"] == VIRTUAL_SERVICE:
            parts = {e["url"]: e for e in extension["extension"]}
            assert parts["_datatype"]["valueString"] == "VirtualServiceDetail"
            return parts["sessionKey"]["valueString"]
    return None
