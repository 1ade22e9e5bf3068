# One image for every process of MangaAssist: web, workers, beat, consumers and the release task (docs/deployment.md).

FROM python:3.11-slim AS build
COPY deploy/requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home mangaassist \
    && install --directory --owner mangaassist --group mangaassist /srv/mangaassist/var
COPY --from=build /venv /venv
WORKDIR /srv/mangaassist
COPY . .
# Read-only to the application, but for its data.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/srv/mangaassist/var
USER mangaassist
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the web server; the other processes have no port and switch it off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["python", "-m", "mangaassist.server", "--host", "0.0.0.0", "--port", "8000"]
