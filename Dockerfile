FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY hybrid ./hybrid
RUN python -m venv /opt/hybrid && /opt/hybrid/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/hybrid /opt/hybrid
RUN useradd --uid 10001 --create-home hybrid && install --directory --owner=hybrid /data
USER hybrid
WORKDIR /data
ENV PATH=/opt/hybrid/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HYBRID_DATA_DIR=/data \
    HYBRID_MODEL_CACHE=/data/models
VOLUME /data
EXPOSE 8000
CMD ["hybrid", "serve", "--host", "0.0.0.0", "--allow-remote", "--port", "8000"]
