"""Prior authorizations: what a provider asks a payer to agree to beforehand, and what it says.

FHIR's own word for them is `preauthorization`, the `use` of a Claim.
"""
