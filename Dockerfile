# The workflow, its packages and nothing else. What it makes goes to /study, the one folder that must be writable.
# docs/how-to/docker.md says how to build and run it.
ARG BASE=python:3.11-slim-bookworm

# The packages in a stage of their own: what pip leaves behind stays there.
FROM ${BASE} AS packages
# A further package index, such as PyTorch's one of CPU builds (without it torch is PyPI's, which brings CUDA along).
ARG EXTRA_INDEX=""
COPY requirements.lock /
RUN python3 -m venv /opt/venv && \
    PIP_EXTRA_INDEX_URL="$EXTRA_INDEX" /opt/venv/bin/pip install --no-cache-dir --requirement /requirements.lock && \
    cp /requirements.lock /opt/venv/.installed

FROM ${BASE}
# cpu, or cuda: Triton compiles a small launcher for each kernel when it runs on a GPU, so that needs a C compiler.
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
