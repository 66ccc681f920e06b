package main

import (
	"io"
	"log/slog"
)

// logging is the flags of commands that log.
type logging struct {
	LogLevel  slog.Level `default:"info" help:"What is worth logging: debug, info, warn or error."`
	LogFormat string     `default:"text" enum:"text,json" help:"How it is written to stderr: text or json."`
}

// logger gives the log that the flags ask for.
func (l logging) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: l.LogLevel}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
