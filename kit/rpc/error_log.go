package rpc

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// errorLog writes the log of an http.Server to the log of the process. Messages that any
// client can cause by a malformed connection have level debug; a panic is an error.
type errorLog struct{ log *slog.Logger }

func newErrorLog(to *slog.Logger) *log.Logger { return log.New(errorLog{to}, "", 0) }

var errorLevels = []struct {
	prefix string
	level  slog.Level
}{
	{"http: panic serving", slog.LevelError},
	{"http2: panic serving", slog.LevelError},
	{"http: TLS handshake error", slog.LevelDebug},
	{"http2: server", slog.LevelDebug},
	{"http2: received", slog.LevelDebug},
	{"http: URL query contains semicolon", slog.LevelDebug},
	{"", slog.LevelWarn},
}

// Write logs one message.
func (l errorLog) Write(message []byte) (int, error) {
	for _, row := range errorLevels {
		if bytes.HasPrefix(message, []byte(row.prefix)) {
			l.log.Log(context.Background(), row.level, "http server", "error", string(bytes.TrimSpace(message)))
			break
		}
	}
	return len(message), nil
}
