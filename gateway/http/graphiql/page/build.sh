#!/usr/bin/env bash
# Rebuilds ../page.zip from this folder. Needs Node 20.19 or later and npm; the gateway needs neither.
set -euo pipefail
cd "$(dirname "$0")"
PYTHON=${PYTHON:-python3}

npm ci --no-audit --no-fund
npm run build
"$PYTHON" ../pack.py dist ../page.zip
