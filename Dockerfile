# One image for every service: `docker build -t bongsu .`. The arguments of a container
# are those of bongsu; without any, one process runs all services:
#
#	docker run -p 127.0.0.1:18080:18080 -v bongsu:/data bongsu
# The compiler runs on the builder's platform and compiles for the image's.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /rootfs/bongsu ./cmd/bongsu
# What a program needs of a system: roots to trust, a name for its user, and folders
# that are its own. A volume that is mounted on one of them takes over its owner.
RUN mkdir -p /rootfs/etc/ssl/certs /rootfs/data /rootfs/keys /rootfs/tmp \
	&& cp /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ \
	&& echo 'bongsu:x:65532:65532::/data:/' > /rootfs/etc/passwd \
	&& echo 'bongsu:x:65532:' > /rootfs/etc/group \
	&& chown 65532:65532 /rootfs/data /rootfs/keys \
	&& chmod 0700 /rootfs/data /rootfs/keys \
	&& chmod 1777 /rootfs/tmp

FROM scratch
COPY --from=build /rootfs/ /
USER 65532:65532
WORKDIR /data
ENV BONGSU_DATA=/data BONGSU_EDGE_ADDR=0.0.0.0:18080 BONGSU_AUTH=required
EXPOSE 18080 18081 18082 18083 18084
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --start-interval=1s CMD ["/bongsu", "health"]
ENTRYPOINT ["/bongsu"]
CMD ["serve"]
