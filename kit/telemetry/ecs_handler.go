package telemetry

import (
	"io"
	"log/slog"
	"strings"
)

// ecsVersion is the version of the Elastic Common Schema
// (https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html).
const ecsVersion = "8.11.0"

// The fields that every line has.
const (
	ecsVersionName = "ecs.version"
	ecsServiceName = "service.name"
)

// ecsNames maps attributes to fields of the schema. Other attributes are below labels, where
// the schema keeps fields that it does not define: "service" alone would contradict its
// service.name.
var ecsNames = map[string]string{
	"error":      "error.message",
	"panic":      "error.message",
	"stack":      "error.stack_trace",
	"request_id": "http.request.id",
	"trace_id":   "trace.id",
	"caller":     "user.id",
	"client":     "client.ip",
	"procedure":  "rpc.method",
	"path":       "url.path",
	"status":     "http.response.status_code",
}

// newECSHandler returns a handler that writes ECS lines.
func newECSHandler(w io.Writer, service string, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: ecsAttr}).
		WithAttrs([]slog.Attr{
			{Key: ecsVersionName, Value: slog.StringValue(ecsVersion)}, //nolint:sloglint // the schema has dots
			{Key: ecsServiceName, Value: slog.StringValue(service)},    //nolint:sloglint // as above
		})
}

// ecsAttr returns an attribute with its name in the schema.
func ecsAttr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		if a.Value.Kind() == slog.KindTime {
			return slog.Time("@timestamp", a.Value.Time().UTC())
		}
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Key, a.Value = "log.level", slog.StringValue(strings.ToLower(level.String()))
			return a
		}
	case slog.MessageKey:
		a.Key = "message"
		return a
	case ecsVersionName, ecsServiceName:
		return a
	}
	if name, ok := ecsNames[a.Key]; ok {
		a.Key = name
		return a
	}
	a.Key = "labels." + a.Key
	return a
}
