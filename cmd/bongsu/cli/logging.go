package cli

import (
	"io"
	"log/slog"
	"sync"

	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// program is the name of the program in logs.
const program = "bongsu"

// logging holds the flags of commands that log.
type logging struct {
	LogLevel  slog.Level `default:"info" help:"The minimum log level: debug, info, warn or error."`
	LogFormat string     `default:"text" enum:"text,json,ecs" help:"The log format on stderr: text, json, or ecs for JSON with the field names of the Elastic Common Schema."`
}

// format returns the format of lines; text if no flag is parsed.
func (l logging) format() telemetry.Format {
	f, err := telemetry.ParseFormat(l.LogFormat)
	if err != nil {
		return telemetry.Text
	}
	return f
}

// logger returns the logger that the flags describe. Its records of a request have the
// request's id.
func (l logging) logger(w io.Writer) *slog.Logger {
	return slog.New(rpc.NewLogHandler(telemetry.NewHandler(w, l.format(), program, l.LogLevel)))
}

// accessLog returns the access log that the flags describe, which must be closed, or nil if
// the level excludes its lines.
func (l logging) accessLog(w io.Writer) *telemetry.AccessLog {
	if l.LogLevel > slog.LevelInfo {
		return nil
	}
	return telemetry.NewAccessLog(w, l.format(), program)
}

// A lockedWriter is the writer of several logs.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes whole lines.
func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}
