package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"connectrpc.com/vanguard"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// mountREST serves the google.api.http paths of services, all below /v1/.
func mountREST(mux *http.ServeMux, services []Service) (*restHandler, error) {
	var transcoded []*vanguard.Service
	handler := &restHandler{connect: mux}
	for _, s := range services {
		if s.rest == nil {
			continue
		}
		service, err := s.descriptor()
		if err != nil {
			return nil, fmt.Errorf("serve REST: %w", err)
		}
		found, err := routesOf(service, s.rest.rules)
		if err != nil {
			return nil, fmt.Errorf("serve REST: %w", err)
		}
		handler.routes.add(found, s.types())
		handler.restShared = *s.rest
		transcoded = append(transcoded, s.transcoded(service))
	}
	if len(transcoded) == 0 {
		mux.Handle("/v1/", handler) // responds with 404 to every path
		return handler, nil
	}
	transcoder, err := vanguard.NewTranscoder(transcoded,
		vanguard.WithCodec(newRESTCodec),
		vanguard.WithDefaultServiceOptions(
			vanguard.WithTargetProtocols(vanguard.ProtocolConnect),
			vanguard.WithTargetCodecs(vanguard.CodecProto),
			vanguard.WithNoTargetCompression(),
		),
	)
	if err != nil {
		return nil, fmt.Errorf("serve REST: %w", err)
	}
	handler.transcoder = transcoder
	mux.Handle("/v1/", handler)
	return handler, nil
}

// transcoded returns the service for the transcoder.
func (s Service) transcoded(service protoreflect.ServiceDescriptor) *vanguard.Service {
	if types := s.types(); types != nil {
		return vanguard.NewServiceWithSchema(service, s.Handler, vanguard.WithTypeResolver(types))
	}
	return vanguard.NewService(s.Path, s.Handler)
}

// restShared are the dependencies that the REST paths of all services of a process share.
type restShared struct {
	log     *slog.Logger
	ignored metric.Int64Counter
	rules   RESTRules
}

// maxQueryBytes limits the query of a REST request: filters and a page token.
const maxQueryBytes = 4 << 10

// A restHandler serves all REST paths of a port. It checks paths, queries and bodies more
// strictly than the transcoder, and formats responses as docs/rest.md specifies.
type restHandler struct {
	restShared
	routes     routes
	transcoder http.Handler
	connect    http.Handler // by procedure, for direct routes
}

// ServeHTTP serves a request.
func (h *restHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, err := h.match(r)
	out := &restWriter{ResponseWriter: w, log: h.log, rule: RESTRule{Legacy: found.legacy}}
	defer h.recover(out, r)
	switch {
	case err != nil:
		out.writeError(http.StatusBadRequest, err)
		return
	case len(r.URL.RawQuery) > maxQueryBytes: // errors quote it
		out.writeError(http.StatusBadRequest, fault.WithReason(fault.WithField(fault.Invalidf("query is longer than %d bytes", maxQueryBytes), "query"), reasonTooLarge))
		return
	case found.route == nil && len(found.allow) > 0:
		w.Header().Set("Allow", strings.Join(found.allow, ", "))
		out.writeError(http.StatusMethodNotAllowed, fmt.Errorf("the path has no method %s: use %s", truncateName(r.Method), strings.Join(found.allow, ", ")))
		return
	case found.route == nil:
		out.writeError(http.StatusNotFound, errUnknownPath)
		return
	}
	out.rule, out.procedure, out.types = found.RESTRule, found.procedure, found.types
	if found.events {
		h.serveEvents(found, out, r)
		return
	}
	inner, refused := h.prepare(found, out, r)
	if refused != nil {
		if refused.status == http.StatusUnsupportedMediaType {
			w.Header().Set("Accept-Encoding", "gzip") // the encodings of a request body, by RFC 9110
		}
		out.writeError(refused.status, refused.error)
		return
	}
	if found.direct {
		out.direct = true
		h.connect.ServeHTTP(out, inner)
	} else {
		out.keepBody(InfoOf(r.Context()))
		h.transcoder.ServeHTTP(out, inner)
	}
	out.finish()
}

// match returns the route of a request, which the router of the port has found already.
func (h *restHandler) match(r *http.Request) (routeMatch, error) {
	if info := InfoOf(r.Context()); info != nil {
		return info.match, info.matchErr
	}
	return h.routes.match(r.Method, r.URL.EscapedPath())
}

// prepare returns the request for the transcoder: its body is read, and it holds nothing
// that the route does not know.
func (h *restHandler) prepare(found routeMatch, out *restWriter, r *http.Request) (*http.Request, *restRefusal) {
	query, ignored, err := found.query(r.URL.RawQuery)
	if err != nil {
		return nil, newRefusal(http.StatusBadRequest, "%w", err)
	}
	if err := checkHeader(r.Header, found.Headers); err != nil {
		return nil, newRefusal(http.StatusBadRequest, "%w", err)
	}
	inner, target := *r, *r.URL // copies: the server keeps the original, except for headers
	target.Path, target.RawPath, target.RawQuery = found.path, "", query
	inner.URL = &target
	inner.Method = found.method
	inner.TransferEncoding = nil
	count := len(ignored)
	if found.body == "" { // a body that is sent is ignored
		inner.Header.Del("Content-Type")
		inner.Body, inner.ContentLength = http.NoBody, 0
	} else {
		body, refused := found.readBody(r)
		if refused != nil {
			return nil, refused
		}
		if found.legacy && !found.raw {
			names, unknown := blankUnknownFields(body, found.input, found.Refused)
			out.ignored, count = names, count+unknown
		}
		if !found.raw {
			inner.Header.Set("Content-Type", "application/json")
		}
		inner.Body, inner.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	for _, name := range [...]string{"Content-Encoding", "Content-Length", "Connect-Protocol-Version"} {
		delete(inner.Header, name)
	}
	if found.direct {
		target.Path, inner.Method = found.procedure, http.MethodPost // as Connect has it
		setDirect(inner.Header)
	}
	if len(out.ignored) > 0 {
		inner.Header.Del("Accept-Encoding") // the body of the response is extended
	}
	if count > 0 && found.legacy {
		h.ignored.Add(r.Context(), int64(count), metric.WithAttributes(attribute.String("path", found.pattern)))
	}
	return &inner, nil
}

// checkHeader returns an error for an invalid header whose value goes into a message.
func checkHeader(header http.Header, prefix string) error {
	for name, values := range header {
		if name != idempotencyHeader && (prefix == "" || !strings.HasPrefix(name, prefix)) {
			continue
		}
		for _, v := range values {
			if !utf8.ValidString(v) {
				return headerError(name, "not valid UTF-8")
			}
		}
	}
	if timeout := header.Get("X-Server-Timeout"); timeout != "" {
		if seconds, err := strconv.ParseFloat(timeout, 64); err != nil || !(seconds > 0 && seconds < 1e9) {
			return headerError("X-Server-Timeout", "not a number of seconds")
		}
	}
	return nil
}

// headerError returns the error of a header. The field is its name.
func headerError(name, problem string) error {
	return fault.WithFields(fault.Invalidf("header %s: %s", name, problem), []fault.Field{{Path: name, Problem: problem}})
}

var errUnknownPath = errors.New("unknown path")

// recover responds to a request whose handler panicked.
func (h *restHandler) recover(out *restWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint,err113 // a sentinel compared by value, as in net/http
		panic(p)
	}
	h.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelError, "handler panicked",
		slog.String("path", truncateName(r.URL.Path)), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	if out.status == 0 || out.held != nil {
		out.writeError(http.StatusInternalServerError, errInternal)
	}
}
