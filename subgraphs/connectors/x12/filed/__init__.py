"""What X12 files tell, as resources for the inbox: claims as FHIR's, answers as they were read.

A claim that is known from its payment or its status alone is told as these tell it; the claim
itself, whenever it comes, says more (`ORIGINS`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from subgraphs.connectors.x12.benefits import MemberAnswer
from subgraphs.connectors.x12.claim_status import ClaimStatus
from subgraphs.connectors.x12.claims import SubmittedClaim
from subgraphs.connectors.x12.documents import Filed
from subgraphs.connectors.x12.filed.answers import remittance_resources, status_resources
from subgraphs.connectors.x12.filed.claims import claim_resources
from subgraphs.connectors.x12.filed.eligibility import eligibility_resources
from subgraphs.connectors.x12.filed.parties import Namer, Names, Resource
from subgraphs.connectors.x12.remittance import Remittance
from subgraphs.connectors.x12.settings import FiledPayer

NOT_OF_A_MEMBER = "claim without a member number"
"""Whose it is could only be guessed by a name."""
NOT_OF_A_CLAIM = "status of no claim"
"""An answer about a whole inquiry or a provider."""
NOT_KNOWN = "answer about a member the payer does not know"
"""It repeats what somebody asked, and may be anybody."""
NO_NUMBER = "answer without a member number"


@dataclass(frozen=True, slots=True)
class Filing:
    resources: tuple[Resource, ...]
    left_out: Mapping[str, int]


def file_documents(
    documents: Iterable[Filed], name: Namer, payers: Mapping[str, FiledPayer]
) -> Filing:
    names = Names(name, payers)
    # A patient is told with each claim: of one file once is enough.
    resources: dict[tuple[str, str], Resource] = {}
    left_out: Counter[str] = Counter()
    for told in _tell(documents, names):
        if isinstance(told, str):
            left_out[told] += 1
        else:
            for each in told:
                key = (each["resourceType"], each["id"])
                if each.keys() >= resources.get(key, {}).keys():
                    resources[key] = each
    return Filing(tuple(resources.values()), left_out)


def _tell(documents: Iterable[Filed], names: Names) -> Iterator[list[Resource] | str]:
    """The resources of each claim, or why there are none."""
    for filed in documents:
        match filed.document:
            case SubmittedClaim() as claim:
                yield claim_resources(claim, filed.sent_at, names) or NOT_OF_A_MEMBER
            case Remittance() as remittance:
                for place, _ in enumerate(remittance.claims):
                    told = remittance_resources(remittance, place, filed.sent_at, names)
                    yield told or NOT_OF_A_MEMBER
            case ClaimStatus() as status if status.payer_claim or status.account:
                yield status_resources(status, filed.sent_at, names) or NOT_OF_A_MEMBER
            case ClaimStatus():
                yield NOT_OF_A_CLAIM
            case MemberAnswer() as answer if answer.benefits:
                yield eligibility_resources(answer, filed.sent_at, names) or NO_NUMBER
            case MemberAnswer() as answer if answer.rejections:
                yield NOT_KNOWN
