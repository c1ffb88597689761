# The workflow, its packages and nothing else. What it makes goes to /study, the one folder that must be writable.
# docs/how-to/docker.md says how to build and run it.
ARG BASE=python:3.11-slim-bookworm

# The packages in a stage of their own: what pip leaves behind stays there.
FROM ${BASE} AS packages
# cpu, or cuda. PyPI's torch brings CUDA along; PyTorch's own index has one without, which pip prefers where it is given.
ARG DEVICE=cpu
ARG CPU_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.lock /
RUN python3 -m venv /opt/venv && \
    PIP_EXTRA_INDEX_URL="$([ "$DEVICE" = cuda ] || echo "$CPU_INDEX")" /opt/venv/bin/pip install --no-cache-dir --requirement /requirements.lock && \
    cp /requirements.lock /opt/venv/.installed

FROM ${BASE}
# On a GPU, Triton compiles a small launcher for each kernel that it runs, for which it needs a C compiler.
ARG DEVICE=cpu
# OpenCV, which draws corruptions, needs the libraries of a desktop.
RUN wanted="make libgl1 libglib2.0-0 libxcb1 $(case "$DEVICE" in cpu) ;; cuda) echo gcc libc6-dev ;; *) echo "unknown-device-$DEVICE" ;; esac)" && \
    apt-get update -qq && apt-get install -qq --yes --no-install-recommends $wanted && rm -rf /var/lib/apt/lists/*
COPY --from=packages /opt/venv /opt/venv
COPY . /ensemble-diversity
RUN useradd --uid 1000 --create-home study && mkdir /study && chown study /study && \
    /opt/venv/bin/python -m compileall -q /ensemble-diversity/scripts /ensemble-diversity/kernels
# The image has no git, so the commit is told.
ARG COMMIT=unknown
ENV STUDY_COMMIT=$COMMIT VENV=/opt/venv WORK=/study PATH=/opt/venv/bin:$PATH \
    HOME=/tmp XDG_CACHE_HOME=/tmp/cache NUMBA_CACHE_DIR=/tmp/cache/numba MPLCONFIGDIR=/tmp/cache/matplotlib
USER study
WORKDIR /ensemble-diversity
CMD ["make", "help"]
