# One image for the web process and every worker; docker-compose.yml says what each of them may reach.

FROM python:3.11-slim-bookworm AS build
# requirements-providers.txt adds the clients of network providers to what a team's installation needs.
ARG REQUIREMENTS=requirements-team.txt
RUN python -m venv /opt/venv
COPY ${REQUIREMENTS} /tmp/requirements.txt
# Wheels only and every one by its hash: nothing from the network runs while the image is built.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
      --only-binary :all: --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
# Numpy's and scipy's OpenMP runtime comes with their wheels; the base image has all the rest.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_COLLECTED=1 \
    STATIC_ROOT=/srv/synthreview/static \
    FILES_DIR=/srv/synthreview/files \
    SYNTHREVIEW_VAR=/tmp/synthreview
# The stronger of the two sandboxes for untrusted code; where the container may not use it, the other one is.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent synthreview \
 && install -d -o synthreview -g synthreview /srv/synthreview/files
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
# Compiled once here, because the running container cannot write; the settings ask for a secret key even now,
# so this step gets a throw-away one in a directory that goes with it.
RUN python -m compileall -q apps synthreview \
 && SYNTHREVIEW_VAR=/tmp/build python manage.py collectstatic --no-input \
 && rm -rf /tmp/build

USER synthreview
EXPOSE 8000
# The sign-in page answers without a database: this asks whether the process serves, not whether PostgreSQL does.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/sign-in/'); sys.exit(c.getresponse().status >= 500)"]
# No access log: a sign-in link is part of its address.
CMD ["gunicorn", "synthreview.wsgi", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--workers=2", "--threads=4", \
     "--timeout=60", "--worker-tmp-dir=/dev/shm", "--no-control-socket"]
