package edge

import (
	"net/http"
	"slices"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// preflightSeconds is how long a browser may keep the response to a preflight request.
const preflightSeconds = 2 * 60 * 60

// corsStage lets pages of other origins read responses, and answers their preflight requests.
// Browsers send them no cookies: a page has a key or a token of its own.
func corsStage(origins []string) rpc.Stage {
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: append(connectcors.AllowedMethods(), http.MethodPut, http.MethodPatch, http.MethodDelete),
		AllowedHeaders: append(connectcors.AllowedHeaders(),
			"Authorization", "Idempotency-Key", "If-None-Match", "X-Request-Id", "X-Server-Timeout", "Traceparent", "Tracestate", "Last-Event-Id"),
		ExposedHeaders: slices.Concat(connectcors.ExposedHeaders(), []string{
			"Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate", "X-Request-Id", "ETag", "Age"}),
		MaxAge: preflightSeconds,
	}).Handler
}
