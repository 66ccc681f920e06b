package edge

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"

	"github.com/bongsu-project/bongsu/internal/acklink"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

const (
	// maxLoggedRefusals is the number of refused requests per second of which lines are
	// written, and their burst: strangers can send any number.
	maxLoggedRefusals = 100
	// maxPathBytes limits the path in a line.
	maxPathBytes = 200
	// maxMethodBytes limits the HTTP method in a line; any token is one.
	maxMethodBytes = 20
)

// RequestMetrics measures requests. It must be safe for concurrent use.
type RequestMetrics interface {
	// Requested records a request of a procedure, such as
	// "/bongsu.alert.v1.AlertService/SendAlert", empty for none, that ended with a code, 0
	// for none.
	Requested(procedure string, code connect.Code, took time.Duration)
	// Serve adds the procedures of a joined service to those that are measured by name.
	Serve(procedures []string)
	// LineDropped counts a line that the access log did not write.
	LineDropped()
}

// An AccessLog is the setting of the access log. Its lines are those of successful requests
// too if All is set, and none if Lines is nil.
type AccessLog struct {
	Lines *telemetry.AccessLog
	All   bool
}

// recordRequests is the stage that measures each request and writes its line. A successful
// request of a path that is no method, such as a health check, has no line.
func (e Edge) recordRequests(next http.Handler) http.Handler {
	return &requestRecorder{
		next: next, log: e.AccessLog, metrics: e.Requests,
		refusals: rate.NewLimiter(maxLoggedRefusals, maxLoggedRefusals),
	}
}

type requestRecorder struct {
	next     http.Handler
	log      AccessLog
	metrics  RequestMetrics
	refusals *rate.Limiter
}

// ServeHTTP serves a request.
func (h *requestRecorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := recordedRequest{began: time.Now(), info: rpc.InfoOf(r.Context()), response: rpc.RecordResponse(w)}
	defer h.finish(&request, r) // a handler that aborts its response panics
	h.next.ServeHTTP(request.response, r)
	request.returned = true
}

// A recordedRequest is a request while it is served.
type recordedRequest struct {
	began    time.Time
	info     *rpc.RequestInfo
	response *rpc.ResponseWriter
	returned bool // the handler did not panic
}

// finish records the end of a request.
func (h *requestRecorder) finish(request *recordedRequest, r *http.Request) {
	now := time.Now()
	code, status := request.response.Code(request.info), request.response.Status()
	switch {
	case !request.returned:
		code = connect.CodeInternal
	case status == 0:
		status = http.StatusOK // the server sends it for a handler that writes nothing
	}
	procedure := ""
	if request.info != nil {
		procedure = request.info.Procedure
	}
	h.metrics.Requested(procedure, code, now.Sub(request.began))
	if h.log.Lines == nil || code == 0 && (!h.log.All || procedure == "" && status < http.StatusBadRequest) {
		return
	}
	if isRefusal(code) && !h.refusals.AllowN(now, 1) {
		h.metrics.LineDropped()
		return
	}
	h.write(request, r, now, status, code)
}

// isRefusal reports whether a code is that of requests that strangers can send at no cost.
func isRefusal(code connect.Code) bool {
	return code == connect.CodeUnauthenticated || code == connect.CodePermissionDenied || code == connect.CodeResourceExhausted
}

// write writes the line of a request.
func (h *requestRecorder) write(request *recordedRequest, r *http.Request, now time.Time, status int, code connect.Code) {
	entry := telemetry.AccessEntry{
		Time: now, Duration: now.Sub(request.began),
		Method: truncate(r.Method, maxMethodBytes), Path: loggedPath(r), Protocol: rpc.Protocol(r),
		Status: status, Code: codeName(code), BytesIn: rpc.BodyBytes(r), BytesOut: request.response.Written(),
	}
	if info := request.info; info != nil {
		if m := joinedMethodOf(info); m != nil && m.policy.Verifier != policy.NoVerifier && info.Route != "" {
			_, entry.Path, _ = strings.Cut(info.Route, " ") // without the credential of a signed link
		}
		entry.RequestID, entry.TraceID, entry.Client, entry.Caller = info.ID, info.TraceID, info.Client, info.Caller
		entry.Procedure, entry.Route = info.Procedure, info.Route
	}
	if !entry.Client.IsValid() {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			entry.Client = peer.Addr()
		}
	}
	if !h.log.Lines.Write(&entry) {
		h.metrics.LineDropped()
	}
}

// loggedPath returns the path of a request in logs, without the token of an acknowledgment link,
// which is a credential.
func loggedPath(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, acklink.Path) {
		return acklink.Path
	}
	return truncate(r.URL.Path, maxPathBytes)
}

// codeName returns the name of a code in logs.
func codeName(code connect.Code) string {
	if code == 0 {
		return "ok"
	}
	return code.String()
}

func truncate(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
