"""What a server says of itself: its CapabilityStatement and the SearchParameters it names.

Whether a parameter takes several values at once is stated by SearchParameter.multipleOr, to which
the statement's `searchParam.definition` leads. https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.fhir.parameters import COMMON, PARAMETERS
from sandbox.fhir.reading import Kind, SearchParameter

_EXPORT = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"
_CODES = ("read", "search-type", "create", "update")


def capability_statement(
    title: str, base: str, token_url: str, *, bundles: Iterable[str]
) -> dict[str, Any]:
    """`bundles` are the types of Bundle taken: `batch`, `transaction`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-01",
        "kind": "instance",
        "software": {"name": "Chartgraph sandbox"},
        "implementation": {"description": title, "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(token_url),
                "resource": [_resource(type_, base) for type_ in PARAMETERS],
                "interaction": [{"code": code} for code in bundles],
                "operation": [{"name": "export", "definition": _EXPORT}],
            }
        ],
    }


def smart_configuration(token_url: str) -> dict[str, Any]:
    """https://hl7.org/fhir/smart-app-launch/conformance.html: below each FHIR server's base."""
    return {
        "token_endpoint": token_url,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": ["system/*.rs", "system/*.cruds"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }


def search_parameter(base: str, id_: str, *, multiple_or: bool) -> dict[str, Any] | None:
    type_, _, code = id_.partition("-")
    common = next((name for name in COMMON if name.lstrip("_") == code), None)
    if type_ == "Resource" and common:
        parameter, bases = next(iter(PARAMETERS.values()))[common], ["Resource"]
    elif code in PARAMETERS.get(type_, {}) and code not in COMMON:
        parameter, bases = PARAMETERS[type_][code], [type_]
    else:
        return None
    return {
        "resourceType": "SearchParameter",
        "id": id_,
        "url": f"{base}/SearchParameter/{id_}",
        "name": id_.replace("-", "_"),
        "status": "active",
        "description": f"{parameter.code} of {bases[0]}",
        "code": parameter.code,
        "base": bases,
        "type": parameter.kind,
        "expression": " | ".join(f"{bases[0]}.{path}" for path in parameter.paths),
        "multipleOr": multiple_or,
        "multipleAnd": True,
    }


def _security(token_url: str) -> dict[str, Any]:
    """https://hl7.org/fhir/smart-app-launch/conformance.html"""
    return {
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": "token", "valueUri": token_url}],
            }
        ],
    }


def _resource(type_: str, base: str) -> dict[str, Any]:
    parameters = PARAMETERS[type_].values()
    statement: dict[str, Any] = {
        "type": type_,
        "interaction": [{"code": code} for code in _CODES],
        "versioning": "versioned-update",
        "readHistory": False,
        "updateCreate": False,
        "conditionalRead": "not-match",
        "searchInclude": [f"{type_}:{p.code}" for p in parameters if p.kind is Kind.REFERENCE],
        "searchParam": [_stated(type_, parameter, base) for parameter in parameters],
    }
    if type_ != "Provenance":
        statement["searchRevInclude"] = ["Provenance:target"]
    return statement


def _stated(type_: str, parameter: SearchParameter, base: str) -> dict[str, str]:
    holder = "Resource" if parameter.code in COMMON else type_
    id_ = f"{holder}-{parameter.code.lstrip('_')}"
    return {
        "name": parameter.code,
        "definition": f"{base}/SearchParameter/{id_}",
        "type": parameter.kind,
    }
