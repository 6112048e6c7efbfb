# The image of `kubediscovery serve`. tests/test_dockerfile.py runs the builder's steps in a folder of its own.

FROM python:3.13-slim-bookworm AS builder
WORKDIR /build
COPY requirements.lock requirements-dev.lock pyproject.toml README.md LICENSE ./

# The build backend by the hashes of the development lock; a dependency of it that is missing here fails the build.
RUN python -m venv /opt/tools
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' \
        requirements-dev.lock > /opt/tools/requirements.lock \
    && /opt/tools/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r /opt/tools/requirements.lock

# What runs has no pip of its own: the one in /opt/tools fills it from outside.
RUN python -m venv --without-pip /opt/kubediscovery
RUN /opt/tools/bin/pip --python /opt/kubediscovery/bin/python install \
        --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock

COPY kubediscovery kubediscovery
RUN /opt/tools/bin/pip wheel --no-build-isolation --no-deps --no-index --wheel-dir /opt/tools/wheels .
RUN /opt/tools/bin/pip --python /opt/kubediscovery/bin/python install --no-deps --no-index /opt/tools/wheels/*.whl

# Nothing is written at run time. Bytecode that is not checked against its source stays good whatever copying does.
RUN /opt/kubediscovery/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/kubediscovery/lib

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="kubediscovery" \
      org.opencontainers.image.description="An aggregated Kubernetes API server that answers what an object is made of" \
      org.opencontainers.image.source="https://github.com/cloud-ark/kubediscovery" \
      org.opencontainers.image.licenses="Apache-2.0"

# The base image brings pip; nothing is ever installed into a running server.
RUN python -m pip uninstall --yes pip && rm -rf /usr/local/lib/python3.13/ensurepip /root/.cache
# Nor does it bring the standard library's bytecode: each start would compile it, half a second of CPU. It is 15 MB.
RUN python -m compileall -q --invalidation-mode unchecked-hash /usr/local/lib/python3.13

# Nobody here becomes somebody else, even where the pod's own bounds are not set.
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +

COPY --from=builder /opt/kubediscovery /opt/kubediscovery
ENV PATH=/opt/kubediscovery/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 10250
ENTRYPOINT ["kubediscovery"]
CMD ["serve"]
