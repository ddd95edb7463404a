# Two images of one build: `service` for api and ivr, `asterisk` for Asterisk, the engine beside it, and the one-shot
# that prepares its files. compose.yaml says how they run together.
ARG PYTHON_IMAGE=python:3.13-slim-trixie
# the first Debian suite with Asterisk 22.9 or newer (callcenter/asterisk/install.py)
ARG ASTERISK_IMAGE=debian:testing-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /build
RUN python -m venv /opt/callcenter
COPY requirements.txt .
RUN /opt/callcenter/bin/pip install --no-deps --require-hashes -r requirements.txt
COPY . .
RUN /opt/callcenter/bin/pip install --no-deps --no-index --no-build-isolation . \
    && /opt/callcenter/bin/pip uninstall --yes setuptools pip

# Python without what builds packages
FROM ${PYTHON_IMAGE} AS python
RUN pip uninstall --yes pip \
    && rm -rf /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/idlelib /usr/local/lib/python3.*/test

FROM python AS service
# the two that speak the texts of staff
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends espeak-ng sox \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/callcenter --create-home callcenter
COPY --from=build /opt/callcenter /opt/callcenter
ENV PATH=/opt/callcenter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 \
    CALLCENTER_STATE_DIR=/var/lib/callcenter CALLCENTER_CACHE_DIR=/tmp CALLCENTER_API_HOST=0.0.0.0
WORKDIR /var/lib/callcenter
USER 10001:10001
EXPOSE 8000 4573
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('CALLCENTER_API_PORT', '8000') + '/health/live', timeout=4)"]
ENTRYPOINT ["callcenter"]
CMD ["serve"]

FROM ${ASTERISK_IMAGE} AS asterisk
# the libraries are those that the copied Python is linked with
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        asterisk asterisk-core-sounds-en-wav asterisk-modules asterisk-moh-opsound-wav \
        ca-certificates espeak-ng libbz2-1.0 libexpat1 libffi8 liblzma5 libsqlite3-0 libssl3t64 libuuid1 sox zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/callcenter --create-home callcenter
COPY --from=python /usr/local /usr/local
COPY --from=build /opt/callcenter /opt/callcenter
ENV PATH=/opt/callcenter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 \
    CALLCENTER_STATE_DIR=/var/lib/callcenter CALLCENTER_CACHE_DIR=/tmp
# an image that cannot work is not built: the linker's cache, then every library and this suite's Asterisk
RUN ldconfig && python -c "import asyncpg, callcenter.roles, ctypes, lzma, ssl, uvloop, zlib" \
    && python -c "from callcenter.asterisk.install import find_asterisk as f; from callcenter.core.config import Settings; assert f(Settings())"
WORKDIR /var/lib/callcenter
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["asterisk", "-C", "/var/lib/callcenter/pbx1/etc/asterisk.conf", "-rx", "core waitfullybooted"]
CMD ["asterisk", "-f", "-C", "/var/lib/callcenter/pbx1/etc/asterisk.conf"]
