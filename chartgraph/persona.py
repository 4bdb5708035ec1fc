"""The demo's personas by name, for commands to offer."""

from __future__ import annotations

from enum import StrEnum


class Persona(StrEnum):
    CLINICIAN = "clinician"
    EMERGENCY = "emergency"
    COUNSELOR = "counselor"
    GUARDIAN = "guardian"
    PATIENT = "patient"
    BILLER = "biller"
    PARTNER = "partner"
    STEWARD = "steward"
    PRIVACY_OFFICER = "privacy-officer"
    SCHEDULER = "scheduler"
    RESEARCHER = "researcher"
    DEVELOPER = "developer"
    TESTER = "tester"
