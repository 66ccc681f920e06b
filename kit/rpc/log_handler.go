package rpc

import (
	"context"
	"log/slog"
)

// NewLogHandler returns a handler that adds the id and the trace id of the request of the
// context to each record.
func NewLogHandler(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ slog.Handler }

// Handle handles a record.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if info := InfoOf(ctx); info != nil && info.ID != "" && !hasRequestID(r) {
		r = r.Clone()
		r.AddAttrs(slog.String("request_id", info.ID), slog.String("trace_id", info.TraceID))
	}
	return h.Handler.Handle(ctx, r)
}

// hasRequestID reports whether a record has the id already.
func hasRequestID(r slog.Record) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == "request_id"
		return !found
	})
	return found
}

// WithAttrs returns a handler with further attributes.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup returns a handler whose attributes are in a group.
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
