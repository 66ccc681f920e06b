package rpc

import (
	"context"
	"net/http"
	"strings"
)

// The headers that are not passed between a caller and a dynamic service, in canonical form,
// beside those with a prefix of unpassedPrefixes.
var (
	// unpassed are those of the protocol or of a connection, which each side sets itself.
	unpassed = headerSet(
		"Accept", "Accept-Encoding", "Accept-Language", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date",
		"Expect", "Host", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Vary", "X-Server-Timeout", "X-User-Agent",
		requestIDHeader, traceparentHeader, tracestateHeader,
	)
	// unpassedRequest are credentials, which are for this process, and addresses that a caller
	// can invent.
	unpassedRequest = headerSet(
		"Authorization", "Cookie", "Proxy-Authorization", "Origin", "Referer", "If-None-Match",
		"Forwarded", forwardedHeader, "X-Real-Ip", "X-Forwarded-Host", "X-Forwarded-Proto", callerHeader,
	)
	// unpassedResponse are those by which a service would decide for the whole port.
	unpassedResponse = headerSet("Set-Cookie", "Server", "Strict-Transport-Security", "Clear-Site-Data", "Allow")
)

// forwardedHeader has the address of the client.
const forwardedHeader = "X-Forwarded-For"

// unpassedPrefixes start headers of protocols, of browsers, and of permissions of other sites.
var unpassedPrefixes = []string{"Connect-", "Grpc-", "Proxy-", "Sec-", "Access-Control-", ":"}

func headerSet(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[http.CanonicalHeaderKey(name)] = true
	}
	return set
}

// passRequestHeader adds the header of a request to that of its forwarded call, and the address
// of its client.
func passRequestHeader(ctx context.Context, into, from http.Header) {
	passHeader(into, from, unpassedRequest)
	if info := InfoOf(ctx); info != nil && info.Client.IsValid() {
		into[forwardedHeader] = []string{info.Client.String()}
	}
}

// passResponseHeader adds a header, or the trailers, of the response of an upstream to those
// for the caller.
func passResponseHeader(into, from http.Header) { passHeader(into, from, unpassedResponse) }

func passHeader(into, from http.Header, also map[string]bool) {
	for name, values := range from {
		if len(values) > 0 && isPassed(name, also) {
			into[name] = append(into[name], values...)
		}
	}
}

func isPassed(name string, also map[string]bool) bool {
	name = http.CanonicalHeaderKey(name)
	if unpassed[name] || also[name] {
		return false
	}
	for _, prefix := range unpassedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}
