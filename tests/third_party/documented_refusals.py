"""For Schemathesis, in whose environment it runs: a field that is refused is a refusal.

A field that the caller's token or role does not open is null, with an error at its place that says
what would open it (docs/authorization.md). Schemathesis takes any error beside data for the
server's failure, as it cannot know who asks. No other error is passed over, and whoever sees every
field is tested without this file.
"""

import json

import schemathesis

FIELD_REFUSED = {"SCOPE_REQUIRED": "scopes", "FORBIDDEN": "policies"}
"""The code of the refusal of a field, and what it says would open it."""


@schemathesis.hook
def after_call(_, case, response):
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    try:
        answer = json.loads(response.content)
    except ValueError:
        return
    if not isinstance(answer, dict) or not answer.get("errors"):
        return
    errors = answer.pop("errors")
    unexplained = [error for error in errors if not _refuses_field(error)]
    if unexplained:
        answer["errors"] = unexplained
    response.content = json.dumps(answer).encode()


def _refuses_field(error):
    told = error.get("extensions", {})
    return bool(error.get("path")) and FIELD_REFUSED.get(told.get("code")) in told
