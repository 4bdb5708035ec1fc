"""Whether every query the API allows can be answered by the subgraphs.

A walk over the API schema that keeps, for each point of a query, all the positions in subgraphs one
can be at. A field is satisfiable when from one of them, or from where keys lead, it resolves.
"""
