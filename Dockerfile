# One image for every service: `docker build -t bongsu .`. The arguments of a container
# are those of bongsu; without any, one process runs all services:
#
#	docker run -p 127.0.0.1:18080:18080 -v bongsu:/data bongsu
#
# PROGRAM is another program of this repository in its place, such as an example whose services join a
# deployment (joined, in the values of the chart): --build-arg PROGRAM=./examples/library.
#
# The last stage takes nothing but files of the stage build, so that a folder with them can
# stand in for it (--build-context build=FOLDER): .ci/image does so.
# The compiler runs on the builder's platform and compiles for the image's.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
ARG PROGRAM=./cmd/bongsu
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /bongsu $PROGRAM
RUN deploy/image/rootfs /bongsu /rootfs

FROM scratch
ARG VERSION=
LABEL org.opencontainers.image.title="Bongsu" \
	org.opencontainers.image.description="A self-hosted failure notification service with a delivery record that can be trusted" \
	org.opencontainers.image.url="https://github.com/bongsu-project/bongsu" \
	org.opencontainers.image.documentation="https://github.com/bongsu-project/bongsu/blob/main/docs/deploy.md" \
	org.opencontainers.image.source="https://github.com/bongsu-project/bongsu" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="$VERSION"
COPY --from=build /rootfs/ /
USER 65532:65532
WORKDIR /data
ENV BONGSU_DATA=/data BONGSU_EDGE_ADDR=0.0.0.0:18080 BONGSU_AUTH=required
EXPOSE 18080 18081 18082 18083 18084 18085 18086 18088 18089 18091 18092
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/bongsu", "health"]
ENTRYPOINT ["/bongsu"]
CMD ["serve"]
