package telemetry

import (
	"net/netip"
	"time"
)

// An AccessEntry is a line of an access log: one request. Empty strings and an invalid Client
// are left out.
type AccessEntry struct {
	Time      time.Time     // when the response was complete
	Duration  time.Duration // from the header of the request to the end of the response
	RequestID string
	TraceID   string
	Client    netip.Addr
	Caller    string // the id of the authenticated caller
	Method    string // of HTTP
	Path      string // without a query, which may hold secrets
	Route     string // the REST path with its parameters, such as "GET /v1/books/{id}"
	Procedure string // the method, such as "/library.v1.BookService/GetBook"
	Protocol  string // rest, connect, grpc, grpc-web or http
	Status    int    // of HTTP
	Code      string // "ok", or the code of the error
	BytesIn   int64  // of the body of the request, as it was sent
	BytesOut  int64  // of the body of the response, as it was sent
}

// entryFields are the fields of an entry: their names in text and JSON, and those in ECS.
// The schema has no fields of calls; those are the names of OpenTelemetry.
var entryFields = [...]struct{ name, ecs string }{
	requestIDField: {"request_id", "http.request.id"},
	traceIDField:   {"trace_id", "trace.id"},
	clientField:    {"client", "client.ip"},
	callerField:    {"caller", "user.id"},
	methodField:    {"method", "http.request.method"},
	pathField:      {"path", "url.path"},
	routeField:     {"route", "http.route"},
	procedureField: {"procedure", "rpc.method"},
	protocolField:  {"protocol", "network.protocol"},
	statusField:    {"status", "http.response.status_code"},
	codeField:      {"code", "rpc.response.status_code"},
	durationField:  {"duration", "event.duration"},
	bytesInField:   {"bytes_in", "http.request.body.bytes"},
	bytesOutField:  {"bytes_out", "http.response.body.bytes"},
}

// Indexes of entryFields, in the order of a line.
const (
	requestIDField = iota
	traceIDField
	clientField
	callerField
	methodField
	pathField
	routeField
	procedureField
	protocolField
	statusField
	codeField
	durationField
	bytesInField
	bytesOutField
)

// accessMessage is the message of every entry.
const accessMessage = "request"

// append appends the line of an entry, with its line break. Durations are nanoseconds in JSON
// and ECS, as slog and the schema have them.
func (f *accessFormat) append(dst []byte, e *AccessEntry) []byte {
	dst = f.begin(dst, e.Time)
	dst = f.string(dst, requestIDField, e.RequestID)
	dst = f.string(dst, traceIDField, e.TraceID)
	dst = f.address(dst, clientField, e.Client)
	dst = f.string(dst, callerField, e.Caller)
	dst = f.string(dst, methodField, e.Method)
	dst = f.string(dst, pathField, e.Path)
	dst = f.string(dst, routeField, e.Route)
	dst = f.string(dst, procedureField, e.Procedure)
	dst = f.string(dst, protocolField, e.Protocol)
	dst = f.number(dst, statusField, int64(e.Status))
	dst = f.string(dst, codeField, e.Code)
	dst = f.duration(dst, durationField, e.Duration)
	dst = f.number(dst, bytesInField, e.BytesIn)
	dst = f.number(dst, bytesOutField, e.BytesOut)
	return f.end(dst, e.failed())
}

// failed reports whether a request ended with an error.
func (e *AccessEntry) failed() bool { return e.Status >= 400 || e.Code != "ok" }
