package rpc

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"connectrpc.com/connect"
)

// A RequestInfo describes a request on its way through the stages of a port. A stage sets
// its fields before it calls the next one; handlers only read them, except for Code.
type RequestInfo struct {
	// Procedure is the path of the method in Connect, by every protocol, such as
	// "/library.v1.BookService/GetBook"; empty if the path is that of no method.
	Procedure string
	// Route is the REST path as in the Protobuf file, such as "GET /v1/books/{id}"; empty
	// for other protocols and for a path that is unknown.
	Route string
	// Streaming is set for a method that streams.
	Streaming bool
	// ID is the id of the request in logs; empty if no stage sets it.
	ID string
	// TraceID is the id of the trace that the request belongs to, 32 hexadecimal digits;
	// empty if no stage sets it.
	TraceID string
	// Client is the address of the client; invalid if no stage sets it.
	Client netip.Addr
	// Caller is the id of the authenticated caller; empty without a caller.
	Caller string
	// Attachment is the value of the method in Service.Attachments; nil for none.
	Attachment any
	// Code is the code of the error that the method returned; 0 for none.
	Code connect.Code

	match    routeMatch // of a REST path
	matchErr error
	legacy   bool // a REST path with the errors of an older service

	idHeader    [1]string // ID, as the value of a header
	traceparent string    // of the caller; empty if TraceID is random
	tracestate  string    // of the caller

	stopping  *stopSignal // of the port; nil if it never stops
	port      *joinedPort // that serves the request; nil for the port's own services
	keepsBody bool        // the REST body of an Encoded may be kept and written again
	encoded   *Encoded    // the response, if keepsBody is set and it is one
}

// Stopping returns a channel that is closed when the port stops. A handler of a stream ends then;
// calls that stream Server-Sent Events by REST end by themselves. nil means never, as for a nil i.
func (i *RequestInfo) Stopping() <-chan struct{} {
	if i == nil || i.stopping == nil {
		return nil
	}
	return i.stopping.channel
}

// requestInfoKey is the key of a *RequestInfo in a context.
type requestInfoKey struct{}

// InfoOf returns the RequestInfo of the request of ctx, and nil outside a request.
func InfoOf(ctx context.Context) *RequestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(*RequestInfo)
	return info
}

// A Stage wraps the handler of a port. It responds itself, or changes the request, its
// RequestInfo or its context, and calls next.
type Stage func(next http.Handler) http.Handler

// A router finds the method of a request before the first stage.
type router struct {
	next       http.Handler
	procedures map[string]procedure // by path
	routes     *routes
	rules      RESTRules
	joined     *ServiceSet // nil for none
	stopping   *stopSignal // nil if the port never stops
}

// ServeHTTP serves a request.
func (h *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.next.ServeHTTP(w, h.withInfo(r))
}

// withInfo returns a copy of r with its RequestInfo.
func (h *router) withInfo(r *http.Request) *http.Request {
	info := &RequestInfo{stopping: h.stopping}
	path := r.URL.Path
	found, ok := h.procedures[path]
	switch {
	case ok:
		info.Procedure, info.Streaming, info.Attachment = path, found.streaming, found.attachment
	case strings.HasPrefix(path, "/v1/"):
		info.match, info.matchErr = h.routes.match(r.Method, r.URL.EscapedPath())
		info.legacy = info.match.legacy
		if found := info.match.route; found != nil {
			info.Procedure, info.Route, info.Streaming = found.procedure, found.pattern, found.events
		} else if h.joined == nil || !h.joined.route(info, r) {
			info.legacy = info.legacy || h.rules.isLegacy(path)
		}
	case h.joined != nil:
		h.joined.find(info, path)
	}
	return r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info))
}
