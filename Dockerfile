# One image for every process of Chartgraph; the command says which one it is.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/chartgraph \
 && /opt/chartgraph/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY chartgraph chartgraph
COPY contract contract
COPY gateway gateway
COPY sandbox sandbox
COPY schema schema
COPY subgraphs subgraphs
RUN /opt/chartgraph/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/chartgraph chartgraph
COPY --from=build /opt/chartgraph /opt/chartgraph
ENV PATH=/opt/chartgraph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CHARTGRAPH_HOME=/var/lib/chartgraph
USER chartgraph
WORKDIR /var/lib/chartgraph
ENTRYPOINT ["chartgraph"]
