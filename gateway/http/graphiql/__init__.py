"""GraphiQL, served by the gateway itself: nothing is loaded from elsewhere, under a strict CSP.

The page's source is in `page/`; what is served is `page.zip`, built from it by `page/build.sh` and
committed, so that running the gateway needs no Node.
"""

from gateway.http.graphiql.app import graphiql_app
from gateway.http.graphiql.config import Example, PageConfig, Persona

__all__ = ["Example", "PageConfig", "Persona", "graphiql_app"]
