"""Derived keys: one per purpose, stable, and not the master's."""

from contract.keys import KEY_BYTES, derive_key


def test_each_purpose_has_a_key_of_its_own():
    purposes = ("context:records", "context:coverage", "seal:ids", "audit:chain")
    keys = {derive_key(b"m" * 32, purpose) for purpose in purposes}
    assert len(keys) == len(purposes)
    assert {len(key) for key in keys} == {KEY_BYTES}


def test_a_key_follows_from_master_and_purpose_alone():
    """Stored facts must stay readable across releases, hence a value computed by hand:
    HKDF-SHA256 (RFC 5869) with salt "chartgraph/1", info "seal:ids" and 32 bytes."""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    expected = HKDF(SHA256(), 32, b"chartgraph/1", b"seal:ids").derive(b"m" * 32)
    assert derive_key(b"m" * 32, "seal:ids") == expected
