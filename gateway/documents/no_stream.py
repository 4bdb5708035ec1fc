"""`@stream` is not served, and whoever uses it is told so rather than that nobody knows it."""

from __future__ import annotations

from typing import Any

from graphql import ASTValidationRule, DirectiveNode, GraphQLError


class NoStreamRule(ASTValidationRule):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value == "stream":
            text = "@stream is not supported; ask for a page of the list, or @defer what is slow."
            self.report_error(GraphQLError(text, node))
