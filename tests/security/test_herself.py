"""What is the patient's own is hers alone: an app that acts for her is not her, nor is a proxy."""

from __future__ import annotations

import pytest

from contract.context import Caller
from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.runtime.access import Access, Compartment
from subgraphs.runtime.crosswalk import Link

LINKS = (Link("ehr-a", "ada"), Link("payer", "p-ada"))


class Asked:
    def __init__(self, caller):
        self.access = Access(caller)


class Bill:
    type = "ExplanationOfBenefit"
    compartment = Compartment("e-ada", LINKS)


def caller(role, launch="ehr-a/ada", user="ehr-a/Patient/ada"):
    roles = (role,) if role else ()
    return Caller("s", roles=roles, scopes=("patient/*.rs",), patient=launch, fhir_user=user)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        pytest.param(caller("patient"), True, id="herself"),
        pytest.param(caller("patient", user="payer/Patient/p-ada"), True, id="by another source"),
        pytest.param(caller("patient", user="ehr-a/RelatedPerson/eve"), False, id="a proxy"),
        pytest.param(caller("patient", user="ehr-a/Patient/bob"), False, id="another patient"),
        pytest.param(
            caller("patient", launch="ehr-a/bob", user="ehr-a/Patient/bob"), False, id="bob"
        ),
        pytest.param(caller("partner-app", user=None), False, id="an app"),
        pytest.param(caller("clinician"), False, id="a clinician in her own launch"),
        pytest.param(caller("biller", launch=None, user=None), True, id="billing"),
    ],
)
def test_amounts(who, sees):
    asked = Asked(who)
    assert may_see_billing(asked, Bill()) is sees
    refusals = asked.access.report("coverage", "r").refusals
    assert [each.reason for each in refusals] == ([] if sees else ["role"])
