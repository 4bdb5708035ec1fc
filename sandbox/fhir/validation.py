"""Writes are held to the R4 models; reads are not, since what is stored has passed them."""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.fhir.outcome import Refusal
from sandbox.wire import decode


def read_resource(type_: str, body: bytes) -> dict[str, Any]:
    try:
        resource = decode(body)
    except msgspec.DecodeError:
        raise Refusal(400, "structure", "the body is not JSON") from None
    if not isinstance(resource, dict) or resource.get("resourceType") != type_:
        raise Refusal(400, "invalid", "the resource's type is not the address's")
    # Imported late: the models are slow to load, and most sandboxes are only read.
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        get_fhir_model_class(type_).model_validate_json(body)
    except ValidationError:
        raise Refusal(422, "invalid", "the resource is not valid R4") from None
    return resource
