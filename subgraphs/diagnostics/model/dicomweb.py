"""Addresses of images by WADO-RS, made of a study's UIDs and its source's endpoint.

An endpoint is data of a source's and may hold anything: only scheme, host, port and path of an
address that a browser could ask are taken, and of a UID only what is one.
https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from subgraphs.diagnostics.model.imaging import Endpoint, ImagingStudy, Instance, Series

_WADO: Final = frozenset({"dicom-wado-rs", "dicomWEB"})
"""http://terminology.hl7.org/CodeSystem/endpoint-connection-type, and its former name."""
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID: Final = 64


def wado_url(
    study: ImagingStudy, series: Series | None = None, instance: Instance | None = None
) -> str | None:
    """Of a study, one of its series or one of a series' objects."""
    root = _root(study, series)
    levels = (
        ("studies", study.study_uid),
        *((("series", series.uid),) if series else ()),
        *((("instances", instance.uid),) if instance else ()),
    )
    if root is None or not all(_is_uid(uid) for _, uid in levels):
        return None
    return "/".join((root, *(f"{level}/{uid}" for level, uid in levels)))


def _root(study: ImagingStudy, series: Series | None) -> str | None:
    """A series may lie elsewhere than its study."""
    known = {endpoint.id: endpoint for endpoint in study.endpoint_resource}
    for references in (series.endpoint if series else (), study.endpoint):
        for reference in references:
            endpoint = known.get(reference.id_of("Endpoint") or "")
            address = _address(endpoint) if endpoint else None
            if address is not None:
                return address
    return None


def _address(endpoint: Endpoint) -> str | None:
    kind = endpoint.connection_type.code if endpoint.connection_type else None
    if kind not in _WADO or endpoint.status not in (None, "active") or not endpoint.address:
        return None
    try:
        parts = urlsplit(endpoint.address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _is_uid(uid: str | None) -> bool:
    return bool(uid) and len(uid or "") <= _LONGEST_UID and _UID.fullmatch(uid or "") is not None
