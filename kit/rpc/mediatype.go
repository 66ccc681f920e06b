package rpc

import (
	"net/http"
	"strings"
)

// mediaTypes checks the media type of a raw body. It returns an error with the types that
// the path accepts. A page of another site can make a browser send text and forms across
// origins, but not JSON.
type mediaTypes func(req *http.Request, mediaType string) *restRefusal

// checkRawType refuses a raw body of a type that the path does not accept, and the types of
// gRPC and Connect, which the transcoder would accept.
func (r *route) checkRawType(req *http.Request) *restRefusal {
	mediaType, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";") // the charset is checked later
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if strings.HasPrefix(mediaType, "application/grpc") || strings.HasPrefix(mediaType, "application/connect+") {
		return newRefusal(http.StatusUnsupportedMediaType, "Content-Type: the path supports neither gRPC nor Connect")
	}
	if r.bodyType == nil {
		return nil
	}
	return r.bodyType(req, mediaType)
}

// acceptIntakeTypes accepts JSON. For CloudEvents it accepts their own types, and any type with the
// headers of the binary mode.
func acceptIntakeTypes(req *http.Request, mediaType string) *restRefusal {
	if !strings.HasSuffix(strings.TrimSuffix(req.URL.Path, "/"), "/cloudevents") {
		if !isJSON(mediaType) {
			return newRefusal(http.StatusUnsupportedMediaType, "Content-Type: send the body as application/json")
		}
		return nil
	}
	if strings.HasPrefix(mediaType, "application/cloudevents") || req.Header.Get("Ce-Specversion") != "" {
		return nil
	}
	return newRefusal(http.StatusUnsupportedMediaType, "Content-Type: send the body as application/cloudevents+json or application/cloudevents-batch+json, or as any type with the headers ce-specversion, ce-id, ce-source and ce-type")
}

// acceptForm accepts the forms of providers' callbacks.
func acceptForm(_ *http.Request, mediaType string) *restRefusal {
	if mediaType != "application/x-www-form-urlencoded" {
		return newRefusal(http.StatusUnsupportedMediaType, "Content-Type: send the body as application/x-www-form-urlencoded")
	}
	return nil
}
