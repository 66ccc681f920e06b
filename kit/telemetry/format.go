// Package telemetry formats the log of a process, writes the access log of a port, one line for
// each request, and records and exports traces.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// A Format is a form of log lines.
type Format int

// The formats of log lines.
const (
	Text Format = iota // key=value, as slog.TextHandler
	JSON               // an object, as slog.JSONHandler
	ECS                // an object with the field names of the Elastic Common Schema
)

// formats are the names of the formats.
var formats = map[string]Format{"text": Text, "json": JSON, "ecs": ECS}

// ParseFormat returns the format with a name: text, json or ecs.
func ParseFormat(name string) (Format, error) {
	f, ok := formats[name]
	if !ok {
		return 0, fmt.Errorf("unknown log format %q: use text, json or ecs", name)
	}
	return f, nil
}

// NewHandler returns a handler that writes records of at least level to w in a format.
// service is the name of the program, which ECS lines have.
func NewHandler(w io.Writer, f Format, service string, level slog.Leveler) slog.Handler {
	switch f {
	case JSON:
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	case ECS:
		return newECSHandler(w, service, level)
	}
	return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
}
