# The server (docs/server.md). Build: docker build -t rhapsode . ; run: docker compose up
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY . .
# The locked versions; what learns styles is left out: it needs PyTorch, 2 GB more.
RUN python -m venv /opt/rhapsode \
    && grep -v '^-r' requirements.lock > serve.lock \
    && /opt/rhapsode/bin/pip install --no-cache-dir --require-virtualenv \
        --constraint requirements-demo.lock --constraint serve.lock ".[heic,postgres,serve,text]"

FROM python:3.12-slim-bookworm
COPY --from=build /opt/rhapsode /opt/rhapsode
# Nothing runs as root, and nothing is written but in /data.
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin rhapsode \
    && install --directory --owner rhapsode --mode 0700 /data
ENV PATH=/opt/rhapsode/bin:$PATH \
    HOME=/data \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')"]
ENTRYPOINT ["rhapsode", "serve", "--host", "0.0.0.0", "--data", "/data"]
