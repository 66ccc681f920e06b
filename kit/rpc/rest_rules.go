package rpc

import (
	"net/http"
	"strings"

	"google.golang.org/protobuf/proto"
)

// rawOverheadBytes bounds the size of a message beside its raw body: the Content-Type and
// the variables of the path.
const rawOverheadBytes = 64 << 10

// RESTRules are rules by HTTP method and google.api.http template: "GET /v1/things/{id}".
type RESTRules map[string]RESTRule

// A RESTRule holds the exceptions of one REST path.
type RESTRule struct {
	Status   map[int]int // replaces the status of the code
	MaxBytes int64       // of the body, decompressed; 0 means 1 MiB
	// BodyType checks the media type of a raw body, lower case and without parameters. It
	// returns an error with the types that the path accepts. A page of another site can make
	// a browser send text and forms across origins, but not JSON. nil accepts any type.
	BodyType func(req *http.Request, mediaType string) error
	Headers  string // the prefix of headers whose values go into messages, and must be UTF-8
	Legacy   bool   // a path with the lenient parsing and the errors of an older service
	Refused  string // an unknown field that is refused while others are ignored
	// Event returns the Server-Sent Event of a message, for the path of a method that streams.
	// It must not change the message. nil sends each message as it is, without an id.
	Event func(message proto.Message) Event
}

// An Event is a Server-Sent Event.
type Event struct {
	ID   string        // which a client sends as Last-Event-ID when it connects again; one line, empty for none
	Name string        // its type; one line, empty for "message"
	Data proto.Message // sent as JSON
}

func (r RESTRule) limit() int64 {
	if r.MaxBytes > 0 {
		return r.MaxBytes
	}
	return maxPublicBytes
}

// isLegacy reports whether a path, also one that no method has, is below a legacy path.
func (rules RESTRules) isLegacy(path string) bool {
	path = strings.TrimSuffix(path, "/")
	for pattern, rule := range rules {
		_, template, _ := strings.Cut(pattern, " ")
		parent, _, parameter := strings.Cut(template, "{")
		if rule.Legacy && (path == template || parameter && strings.HasPrefix(path, parent)) {
			return true
		}
	}
	return false
}

// restStatus returns the HTTP status for the status of a code. Legacy paths return
// 500 in place of 503.
func (r RESTRule) restStatus(status int) int {
	if other, ok := r.Status[status]; ok {
		return other
	}
	switch {
	case status == http.StatusServiceUnavailable && !r.Legacy:
		return http.StatusServiceUnavailable
	case status == http.StatusGatewayTimeout:
		return http.StatusRequestTimeout // the caller's own deadline has passed
	case status > http.StatusInternalServerError, status == statusClientClosed:
		return http.StatusInternalServerError
	}
	return status
}

// statusClientClosed is the status of Connect's code canceled.
const statusClientClosed = 499
