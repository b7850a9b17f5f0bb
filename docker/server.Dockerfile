# The server as one static program in an otherwise empty image. Built from the top of the repository:
#   docker build -f docker/server.Dockerfile --build-arg VERSION="$(git describe --tags --always)" -t watchkeeper .

FROM golang:1.26-bookworm AS build
WORKDIR /src
# The modules change less often than the source: a layer of their own keeps them.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o image/watchkeeper ./server
RUN mkdir -m 0700 image/data

FROM scratch
# Authorities of the world, to check mail servers and webhooks.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/image/watchkeeper /usr/local/bin/watchkeeper
# A volume made from this folder belongs to the user below.
COPY --from=build --chown=10001:10001 /src/image/data /data

# The database makes temporary files for large sorts, and there is no /tmp.
ENV PATH=/usr/local/bin WATCHKEEPER_DATA=/data TMPDIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8443
# Migrations of a new version may take a while at the first start.
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m CMD ["watchkeeper", "healthcheck"]
ENTRYPOINT ["watchkeeper"]
CMD ["serve"]
