"""For Schemathesis, in whose environment it runs: an answer that refuses by the table is one.

Schemathesis takes any error beside data for the server's failure, as it cannot know what our codes
mean. `CHARTGRAPH_REFUSALS` names those by which a request is refused; an error with any other code,
or without one, is left for it to find. What it sends to be refused is none of this file's business.
"""

import json
import os

import schemathesis

REFUSALS = frozenset(os.environ["CHARTGRAPH_REFUSALS"].split(","))


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
    unexplained = [e for e in errors if e.get("extensions", {}).get("code") not in REFUSALS]
    if unexplained:
        answer["errors"] = unexplained
    response.content = json.dumps(answer).encode()
