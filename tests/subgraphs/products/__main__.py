"""Serve it for the suite: `python -m tests.subgraphs.products PORT`."""

from __future__ import annotations

import sys

import uvicorn

from tests.subgraphs.products.app import products_app

if __name__ == "__main__":
    uvicorn.run(products_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
