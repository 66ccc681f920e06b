package rpc

import (
	"net/http"
	"strings"
)

// checkRawType refuses a raw body of a type that the path does not accept, and the types of
// gRPC and Connect, which the transcoder would accept.
func (r *route) checkRawType(req *http.Request) *restRefusal {
	mediaType, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";") // the charset is checked later
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if strings.HasPrefix(mediaType, "application/grpc") || strings.HasPrefix(mediaType, "application/connect+") {
		return newRefusal(http.StatusUnsupportedMediaType, "Content-Type: the path supports neither gRPC nor Connect")
	}
	if r.BodyType == nil {
		return nil
	}
	if err := r.BodyType(req, mediaType); err != nil {
		return newRefusal(http.StatusUnsupportedMediaType, "Content-Type: %w", err)
	}
	return nil
}
