"""Arguments filled from what encloses an object: the same claim under two plans has two costs."""

from tests.gateway.federated.kit import LINK, Case, Row, Subgraph, Suite

CONTEXT_LINK = LINK.replace("v2.7", "v2.8").replace('"@key"', '"@key" "@context" "@fromContext"')


def claim(id_: str, amount: int) -> Row:
    return {"__typename": "Claim", "id": id_, "amount": amount}


C1, C2, C3 = claim("c1", 10), claim("c2", 20), claim("c3", 30)
BEN: Row = {"__typename": "Person", "id": "b", "unit": "minutes", "claims": [C1], "locale": "nl"}
TINY: Row = {"__typename": "Plan", "id": "p3", "claims": [C1], "parent": None, "members": None}
SMALL: Row = {
    "__typename": "Plan",
    "id": "p2",
    "claims": [C1],
    "parent": None,
    "members": [BEN],
}
LARGE: Row = {
    "__typename": "Plan",
    "id": "p1",
    "claims": [C1, C2],
    "parent": SMALL,
    "members": [BEN, None],
}

CLAIMS = Subgraph(
    CONTEXT_LINK
    + """
    type Query @context(name: "reader") {
      plans: [Plan!]! payers: [Payer] site: Site locale: String!
    }
    type Site @context(name: "reader") { locale: String! plans: [Plan!]! people: [Person] }
    union Payer @context(name: "payer") = Plan | Person
    type Currency @shareable { code: String }
    type Plan @key(fields: "id") {
      id: ID!
      parent: Plan
      members: [Person]
      currency: Currency @external
      claims: [Claim!]
    }
    type Person @key(fields: "id") @context(name: "reader") {
      id: ID! unit: String locale: String! claims: [Claim!]
    }
    type Claim @key(fields: "id") {
      id: ID!
      cost(
        digits: Int
        code: String @fromContext(
          field: "$payer ... on Plan { currency { code } } ... on Person { unit }"
        )
      ): String
      text(locale: String @fromContext(field: "$reader { locale }")): String
    }
    """,
    roots={
        "plans": [LARGE, SMALL, TINY],
        "locale": "fr",
        "payers": [SMALL, BEN, None, LARGE],
        "site": {"locale": "en", "plans": [LARGE], "people": [BEN]},
    },
    rows={"Claim": [C1, C2, C3], "Plan": [LARGE, SMALL, TINY], "Person": [BEN]},
    computed={
        "Claim.cost": lambda row, code, digits=0: f"{row['amount']:.{digits}f} {code}",
        "Claim.text": lambda row, locale: f"{row['id']} in {locale}",
    },
)
RATES = Subgraph(
    CONTEXT_LINK
    + """
    type Query { version: Int }
    type Currency @shareable { code: String }
    type Plan @key(fields: "id") { id: ID! currency: Currency }
    type Claim @key(fields: "id") {
      id: ID! bill: Bill
    }
    type Bill { follows: [Claim] }
    """,
    rows={
        "Plan": [
            {"id": "p1", "currency": {"code": "USD"}},
            {"id": "p2", "currency": {"code": "EUR"}},
            {"id": "p3", "currency": None},
        ],
        "Claim": [
            {"id": "c1", "bill": {"follows": [C3, None]}},
            {"id": "c2", "bill": None},
        ],
    },
)

SUITE = Suite(
    "contexts",
    {"claims": CLAIMS, "rates": RATES},
    (
        Case(
            "one entity with three values, in one request",
            "{ plans { id claims { id cost } } }",
            {
                "plans": [
                    {
                        "id": "p1",
                        "claims": [{"id": "c1", "cost": "10 USD"}, {"id": "c2", "cost": "20 USD"}],
                    },
                    {"id": "p2", "claims": [{"id": "c1", "cost": "10 EUR"}]},
                    {"id": "p3", "claims": [{"id": "c1", "cost": "10 None"}]},
                ]
            },
            requests=3,
        ),
        Case(
            "the nearest, however deep, and under aliases",
            """query ($digits: Int) {
              p: plans {
                currency: id
                parent { list: claims { cost exact: cost(digits: $digits) } }
                members { claims { cost } }
              }
            }""",
            {
                "p": [
                    {
                        "currency": "p1",
                        "parent": {"list": [{"cost": "10 EUR", "exact": "10.00 EUR"}]},
                        "members": [{"claims": [{"cost": "10 minutes"}]}, None],
                    },
                    {
                        "currency": "p2",
                        "parent": None,
                        "members": [{"claims": [{"cost": "10 minutes"}]}],
                    },
                    {"currency": "p3", "parent": None, "members": None},
                ]
            },
            requests=3,
            variables={"digits": 2},
        ),
        Case(
            "any member of a union, by its type",
            """{
              payers {
                __typename
                ... on Plan { claims { cost } }
                ... on Person { claims { cost text } }
              }
            }""",
            {
                "payers": [
                    {"__typename": "Plan", "claims": [{"cost": "10 EUR"}]},
                    {
                        "__typename": "Person",
                        "claims": [{"cost": "10 minutes", "text": "c1 in nl"}],
                    },
                    None,
                    {"__typename": "Plan", "claims": [{"cost": "10 USD"}, {"cost": "20 USD"}]},
                ]
            },
            requests=3,
        ),
        Case(
            "two contexts of one object, from two objects around it",
            "{ site { locale plans { claims { cost text } } people { claims { text } } } }",
            {
                "site": {
                    "locale": "en",
                    "plans": [
                        {
                            "claims": [
                                {"cost": "10 USD", "text": "c1 in en"},
                                {"cost": "20 USD", "text": "c2 in en"},
                            ]
                        }
                    ],
                    "people": [{"claims": [{"text": "c1 in nl"}]}],
                }
            },
            requests=4,
        ),
        Case(
            "from the root, which the client asks the same under another name",
            "{ locale: plans { claims { text } } }",
            {
                "locale": [
                    {"claims": [{"text": "c1 in fr"}, {"text": "c2 in fr"}]},
                    {"claims": [{"text": "c1 in fr"}]},
                    {"claims": [{"text": "c1 in fr"}]},
                ]
            },
            requests=2,
        ),
        Case(
            "behind an entity that several share",
            "{ plans { id claims { bill { follows { cost } } } } }",
            {
                "plans": [
                    {
                        "id": "p1",
                        "claims": [
                            {"bill": {"follows": [{"cost": "30 USD"}, None]}},
                            {"bill": None},
                        ],
                    },
                    {"id": "p2", "claims": [{"bill": {"follows": [{"cost": "30 EUR"}, None]}}]},
                    {"id": "p3", "claims": [{"bill": {"follows": [{"cost": "30 None"}, None]}}]},
                ]
            },
            requests=3,
        ),
        Case(
            "variables that nothing uses, as nobody is there to ask for",
            """query ($digits: Int) {
              plans {
                parent { parent { members { claims { cost(digits: $digits) } } } }
                members { claims { cost } }
              }
            }""",
            {
                "plans": [
                    {
                        "parent": {"parent": None},
                        "members": [{"claims": [{"cost": "10 minutes"}]}, None],
                    },
                    {"parent": None, "members": [{"claims": [{"cost": "10 minutes"}]}]},
                    {"parent": None, "members": None},
                ]
            },
            requests=2,
            variables={"digits": 2},
        ),
        Case(
            "under a condition",
            "query ($yes: Boolean!) { plans { claims { id cost @include(if: $yes) } } }",
            {
                "plans": [
                    {"claims": [{"id": "c1"}, {"id": "c2"}]},
                    {"claims": [{"id": "c1"}]},
                    {"claims": [{"id": "c1"}]},
                ]
            },
            requests=1,
            variables={"yes": False},
        ),
    ),
)
