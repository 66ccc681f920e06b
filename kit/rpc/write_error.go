package rpc

import (
	"log/slog"
	"net/http"

	"connectrpc.com/connect"
)

// errorWriter writes errors by Connect, gRPC and gRPC-Web.
var errorWriter = connect.NewErrorWriter()

// stageStatus keeps 503 on legacy paths: no service has seen the request.
var stageStatus = map[int]int{http.StatusServiceUnavailable: http.StatusServiceUnavailable}

// WriteError responds to a request with an error, in the format of its protocol: that of
// Connect, gRPC or gRPC-Web for a procedure, and that of REST for all other paths. The
// metadata of the error are headers of the response, or trailers by gRPC. Stages use it.
//
// The error gets the details that it lacks: a reason (fault.WithReason, or the name of its
// code), and RetryInfo and Retry-After if it has a delay (fault.WithDelay).
func WriteError(w http.ResponseWriter, r *http.Request, err *connect.Error, log *slog.Logger) {
	out := &restWriter{ResponseWriter: w, log: log}
	if info := InfoOf(r.Context()); info != nil {
		info.Code = err.Code()
		out.rule, out.procedure = RESTRule{Legacy: info.legacy, Status: stageStatus}, info.Procedure
	}
	if isProcedure(r.URL.Path) {
		err = describe(err, out.procedure)
		if delay := retryDelayOf(err); delay > 0 {
			w.Header().Set("Retry-After", retrySeconds(delay))
		}
		_ = errorWriter.Write(w, r, err) // fails only if the caller is gone
		return
	}
	out.writeConnectError(err)
}
