package edge

import (
	"net/http"
	"strings"
)

// Conditional is the stage that answers a GET with status 304 and no body if the caller
// has the response already: If-None-Match names its ETag.
func (c *ResponseCache) Conditional(next http.Handler) http.Handler {
	return &conditionalHandler{next}
}

// A conditionalHandler serves conditional requests.
type conditionalHandler struct{ next http.Handler }

// ServeHTTP serves a request.
func (h *conditionalHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if tags := r.Header["If-None-Match"]; len(tags) > 0 {
			w = &conditionalWriter{ResponseWriter: w, tags: tags}
		}
	}
	h.next.ServeHTTP(w, r)
}

// A conditionalWriter writes status 304 for a response that the caller has.
type conditionalWriter struct {
	http.ResponseWriter
	tags []string // the values of If-None-Match

	wroteHeader, notModified bool
}

// WriteHeader writes the status, or 304 in place of 200.
func (w *conditionalWriter) WriteHeader(status int) {
	if w.wroteHeader {
		return
	}
	w.wroteHeader = true
	header := w.Header()
	if status == http.StatusOK && matchesTag(w.tags, header.Get("ETag")) {
		w.notModified, status = true, http.StatusNotModified
		for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
			header.Del(name)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *conditionalWriter) Write(data []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.notModified {
		return len(data), nil
	}
	return w.ResponseWriter.Write(data)
}

// Unwrap returns the wrapped writer to http.ResponseController.
func (w *conditionalWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// matchesTag reports whether a value of If-None-Match names an entity tag, by the weak
// comparison of RFC 9110, section 8.8.3.2.
func matchesTag(values []string, etag string) bool {
	if etag == "" {
		return false
	}
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag, "W/") {
				return true
			}
		}
	}
	return false
}
