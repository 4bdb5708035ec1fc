"""Fields that need fields of others: in chains, in circles, with arguments, through types."""

from tests.gateway.federated.kit import LINK, Case, Subgraph, Suite

PRICES = {"USD": 10.0, "EUR": 9.0}


def drug(id_, weight, form):
    return {
        "id": id_,
        "weight": weight,
        "form": form,
        "price": lambda currency: PRICES[currency] * int(id_),
        "maker": {"id": f"m{id_}", "country": "FR"},
    }


TABLET = drug("1", 2.5, {"__typename": "Tablet", "mg": 500})
LIQUID = drug("2", None, {"__typename": "Liquid", "ml": 5})

CATALOG = Subgraph(
    LINK
    + """
    type Query { drugs: [Drug!]! }
    enum Currency { USD EUR }
    interface Form { brand: String }
    type Tablet implements Form { brand: String @shareable mg: Int }
    type Liquid implements Form { brand: String @shareable ml: Int }
    type Maker @key(fields: "id") { id: ID! country: String }
    type Drug @key(fields: "id") {
      id: ID! weight: Float form: Form maker: Maker
      price(currency: Currency!): Float
      label: String @external
      shelf: String @requires(fields: "label")
    }
    """,
    roots={"drugs": [TABLET, LIQUID]},
    rows={"Drug": [TABLET, LIQUID]},
    computed={"Drug.shelf": lambda row: f"shelf of {row['label']}"},
)
DOSING = Subgraph(
    LINK
    + """
    enum Currency { USD EUR }
    interface Form { brand: String }
    type Tablet implements Form { brand: String @shareable mg: Int @external }
    type Liquid implements Form { brand: String @shareable ml: Int @external }
    type Maker @key(fields: "id") { id: ID! country: String @external }
    type Drug @key(fields: "id") {
      id: ID!
      weight: Float @external
      price(currency: Currency!): Float @external
      form: Form @external
      maker: Maker @external
      maxDose: String @requires(fields: "weight")
      euros: String @requires(fields: "price(currency: EUR)")
      dollars: String @requires(fields: "price(currency: USD)")
      unit: String @requires(fields: "form { ... on Tablet { mg } ... on Liquid { ml } }")
      origin: String @requires(fields: "maker { country }")
    }
    """,
    rows={"Drug": [{"id": "1"}, {"id": "2"}]},
    computed={
        "Drug.maxDose": lambda row: f"{row['weight']} each",
        "Drug.euros": lambda row: f"EUR {row['price']}",
        "Drug.dollars": lambda row: f"USD {row['price']}",
        "Drug.unit": lambda row: f"{row['form'].get('mg')} mg {row['form'].get('ml')} ml",
        "Drug.origin": lambda row: f"made in {row['maker']['country']}",
    },
)
PHARMACY = Subgraph(
    LINK
    + """
    type Drug @key(fields: "id") {
      id: ID! maxDose: String @external label: String @requires(fields: "maxDose")
    }
    """,
    rows={"Drug": [{"id": "1"}, {"id": "2"}]},
    computed={"Drug.label": lambda row: f"take {row['maxDose']}"},
)

SUITE = Suite(
    "requires",
    {"catalog": CATALOG, "dosing": DOSING, "pharmacy": PHARMACY},
    (
        Case(
            "a required field may be null",
            "{ drugs { maxDose } }",
            {"drugs": [{"maxDose": "2.5 each"}, {"maxDose": "None each"}]},
            requests=2,
        ),
        Case(
            "what was required is not shown",
            "{ drugs { id origin } }",
            {"drugs": [{"id": "1", "origin": "made in FR"}, {"id": "2", "origin": "made in FR"}]},
            requests=2,
        ),
        Case(
            "a requirement's requirement",
            "{ drugs { label } }",
            {"drugs": [{"label": "take 2.5 each"}, {"label": "take None each"}]},
            requests=3,
        ),
        Case(
            "back to where it began",
            "{ drugs { shelf } }",
            {
                "drugs": [
                    {"shelf": "shelf of take 2.5 each"},
                    {"shelf": "shelf of take None each"},
                ]
            },
            requests=4,
        ),
        Case(
            "the client asks for another currency than the requirement",
            "{ drugs { price(currency: USD) euros } }",
            {"drugs": [{"price": 10, "euros": "EUR 9.0"}, {"price": 20, "euros": "EUR 18.0"}]},
            requests=2,
        ),
        Case(
            "two requirements that differ in their arguments",
            "{ drugs { euros dollars } }",
            {
                "drugs": [
                    {"euros": "EUR 9.0", "dollars": "USD 10.0"},
                    {"euros": "EUR 18.0", "dollars": "USD 20.0"},
                ]
            },
            requests=3,
        ),
        Case(
            "the client's alias is the requirement's field, but not its value",
            "query ($c: Currency!) { drugs { price: weight other: price(currency: $c) euros } }",
            {
                "drugs": [
                    {"price": 2.5, "other": 10, "euros": "EUR 9.0"},
                    {"price": None, "other": 20, "euros": "EUR 18.0"},
                ]
            },
            requests=2,
            variables={"c": "USD"},
        ),
        Case(
            "through fragments on an interface",
            "{ drugs { unit form { __typename } } }",
            {
                "drugs": [
                    {"unit": "500 mg None ml", "form": {"__typename": "Tablet"}},
                    {"unit": "None mg 5 ml", "form": {"__typename": "Liquid"}},
                ]
            },
            requests=2,
        ),
    ),
)
