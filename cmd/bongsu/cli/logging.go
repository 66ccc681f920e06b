package cli

import (
	"io"
	"log/slog"
)

// logging holds the flags of commands that log.
type logging struct {
	LogLevel  slog.Level `default:"info" help:"The minimum log level: debug, info, warn or error."`
	LogFormat string     `default:"text" enum:"text,json" help:"The log format on stderr: text or json."`
}

// logger returns the logger that the flags describe.
func (l logging) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: l.LogLevel}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
