# One image for every process of MangaAssist: web, workers, beat, consumers and the release task (docs/deployment.md).

ARG BASE=python:3.11.14-slim-trixie

FROM ${BASE} AS build
COPY deploy/requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM ${BASE}
# pg_dump and pg_restore for `manage.py backup` and `restore`: never older than the server (compose.yaml: 17).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home mangaassist \
    && install --directory --owner mangaassist --group mangaassist /srv/mangaassist/var
COPY --from=build /venv /venv
WORKDIR /srv/mangaassist
# Read-only to the application, but for its data.
COPY . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/srv/mangaassist/var
# By number: orchestrators can see that it is not root.
USER 10001
VOLUME /srv/mangaassist/var
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the web server; the other processes have no port and switch it off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["python", "-m", "mangaassist.server", "--host", "0.0.0.0", "--port", "8000"]
