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
func WriteError(w http.ResponseWriter, r *http.Request, err *connect.Error, log *slog.Logger) {
	info := InfoOf(r.Context())
	if info != nil {
		info.Code = err.Code()
	}
	if isProcedure(r.URL.Path) {
		_ = errorWriter.Write(w, r, err) // fails only if the caller is gone
		return
	}
	out := &restWriter{ResponseWriter: w, log: log}
	if info != nil {
		out.rule = RESTRule{Legacy: info.legacy, Status: stageStatus}
	}
	out.writeConnectError(err)
}
