"""The `products` schema of Apollo's subgraph compatibility suite, on our runtime.

https://github.com/apollographql/apollo-federation-subgraph-compatibility/blob/main/COMPATIBILITY.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from strawberry.schema_directive import Location

from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation, SubgraphSchema


@strawberry.federation.schema_directive(
    locations=[Location.OBJECT],
    name="custom",
    compose=True,
    import_url="https://myspecs.dev/myCustomDirective/v1.0",
)
class Custom: ...


@strawberry.type
class ProductVariation:
    id: strawberry.ID


@strawberry.type
class CaseStudy:
    case_number: strawberry.ID
    description: str | None


@strawberry.federation.type(shareable=True)
class ProductDimension:
    size: str | None
    weight: float | None
    unit: str | None = strawberry.federation.field(inaccessible=True)


@strawberry.federation.type(extend=True, keys=["email"])
class User:
    email: strawberry.ID = strawberry.federation.field(external=True)
    total_products_created: int | None = strawberry.federation.field(external=True)
    years_of_employment: int = strawberry.federation.field(external=True)
    name: str | None = strawberry.federation.field(override="users")

    @strawberry.federation.field(requires=["totalProductsCreated", "yearsOfEmployment"])
    def average_products_created_per_year(self) -> int | None:
        if self.total_products_created is None:
            return None
        return round(self.total_products_created / self.years_of_employment)

    @classmethod
    async def resolve_references(
        cls, _: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object | None]:
        return [
            cls(
                email=each["email"],
                total_products_created=each.get("totalProductsCreated", 1337),
                years_of_employment=each.get("yearsOfEmployment", 10),
                name="Jane Smith",
            )
            for each in representations
        ]


@strawberry.federation.type(keys=["study { caseNumber }"])
class ProductResearch:
    study: CaseStudy
    outcome: str | None = None

    @classmethod
    async def resolve_references(
        cls, _: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object | None]:
        return [RESEARCH.get(each["study"]["caseNumber"]) for each in representations]


@strawberry.federation.type(keys=["sku package"])
class DeprecatedProduct:
    sku: str
    package: str
    reason: str | None
    created_by: User | None

    @classmethod
    async def resolve_references(
        cls, _: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object | None]:
        return [find_deprecated(each["sku"], each["package"]) for each in representations]


@strawberry.federation.type(
    keys=["id", "sku package", "sku variation { id }"], directives=[Custom()]
)
class Product:
    id: strawberry.ID
    sku: str | None
    package: str | None
    variation: ProductVariation | None
    dimensions: ProductDimension | None
    created_by: User | None = strawberry.federation.field(provides=["totalProductsCreated"])
    notes: str | None = strawberry.federation.field(tags=["internal"])
    research: list[ProductResearch]

    @classmethod
    async def resolve_references(
        cls, _: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object | None]:
        return [
            next((product for product in PRODUCTS if _is(product, each)), None)
            for each in representations
        ]


@strawberry.federation.interface_object(keys=["id"])
class Inventory:
    id: strawberry.ID

    @strawberry.field
    def deprecated_products(self) -> list[DeprecatedProduct]:
        return [DEPRECATED]

    @classmethod
    async def resolve_references(
        cls, _: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object | None]:
        return [cls(id=each["id"]) for each in representations]


@strawberry.federation.type(extend=True)
class Query:
    @strawberry.field
    def product(self, id: strawberry.ID) -> Product | None:  # noqa: A002 - the suite's name
        return next((product for product in PRODUCTS if product.id == id), None)

    @strawberry.field(deprecation_reason="Use product query instead")
    def deprecated_product(self, sku: str, package: str) -> DeprecatedProduct | None:
        return find_deprecated(sku, package)


JANE = User(
    email=strawberry.ID("support@apollographql.com"),
    total_products_created=1337,
    years_of_employment=10,
    name="Jane Smith",
)
DEPRECATED = DeprecatedProduct(
    sku="apollo-federation-v1",
    package="@apollo/federation-v1",
    reason="Migrate to Federation V2",
    created_by=JANE,
)
RESEARCH: Mapping[str, ProductResearch] = {
    number: ProductResearch(study=CaseStudy(case_number=strawberry.ID(number), description=name))
    for number, name in (("1234", "Federation Study"), ("1235", "Studio Study"))
}


def _product(name: str, sku: str, package: str, variation: str, study: str) -> Product:
    return Product(
        id=strawberry.ID(name),
        sku=sku,
        package=package,
        variation=ProductVariation(id=strawberry.ID(variation)),
        dimensions=ProductDimension(size="small", weight=1, unit="kg"),
        created_by=JANE,
        notes=None,
        research=[RESEARCH[study]],
    )


PRODUCTS = (
    _product("apollo-federation", "federation", "@apollo/federation", "OSS", "1234"),
    _product("apollo-studio", "studio", "", "platform", "1235"),
)


def find_deprecated(sku: str, package: str) -> DeprecatedProduct | None:
    found = (sku, package) == (DEPRECATED.sku, DEPRECATED.package)
    return DEPRECATED if found else None


def _is(product: Product, key: Representation) -> bool:
    if "id" in key:
        return product.id == key["id"]
    if "package" in key:
        return (product.sku, product.package) == (key["sku"], key["package"])
    assert product.variation is not None
    return (product.sku, product.variation.id) == (key["sku"], key["variation"]["id"])


SCHEMA = SubgraphSchema(query=Query, types=[Inventory, User], federation_version="2.3")
