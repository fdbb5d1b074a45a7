# vendorsim in a container: the APIs, the control API and the web page on port 4010. docs/containers.md shows its use.
#
#   docker build --tag vendorsim .
#   docker run --rm --env VENDORSIM_ADMIN_TOKEN=s3cret --publish 127.0.0.1:4010:4010 vendorsim

FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY contracts contracts
COPY scenarios scenarios
COPY simulator simulator
# Without pip in it, the environment holds what vendorsim needs and nothing else.
RUN python -m venv --without-pip /opt/vendorsim \
    && pip --python /opt/vendorsim/bin/python install --no-cache-dir --constraint constraints.txt '.[fast,postgres]'

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="vendorsim" \
      org.opencontainers.image.description="Plays chat vendors against your integration" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --create-home --home-dir /work vendorsim
COPY --from=build /opt/vendorsim /opt/vendorsim
# A container is reached from outside of it; serve then demands VENDORSIM_ADMIN_TOKEN.
ENV PATH=/opt/vendorsim/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VENDORSIM_HOST=0.0.0.0
USER 10001
# vendorsim.yaml, scenarios and the journal are looked for here.
WORKDIR /work
EXPOSE 4010
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os; from urllib.request import Request, urlopen; token = os.environ.get('VENDORSIM_ADMIN_TOKEN', ''); urlopen(Request(f'http://127.0.0.1:{os.environ.get(\"VENDORSIM_PORT\", 4010)}/_vendorsim/api/health', headers={'Authorization': f'Bearer {token}'}), timeout=3)"]
ENTRYPOINT ["vendorsim"]
CMD ["serve"]
