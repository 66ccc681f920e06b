package app

import (
	"log/slog"
	"strings"
	"testing"
)

// TestInstanceURL checks the URL by which a port is registered.
func TestInstanceURL(t *testing.T) {
	for _, row := range []struct {
		addr, nats, advertise string
		secure                bool
		want                  string
	}{
		{"127.0.0.1:18082", "", "", false, "http://127.0.0.1:18082"},
		{"10.0.0.7:18082", "nats://10.0.0.5", "", true, "https://10.0.0.7:18082"},
		{"[::]:18082", "nats://127.0.0.1:4222, nats://10.0.0.6", "", false, "http://127.0.0.1:18082"},
		{"0.0.0.0:18082", "127.0.0.1", "", false, "http://127.0.0.1:18082"},
		{"[::]:18082", "", "", false, "http://127.0.0.1:18082"},
		{"0.0.0.0:18082", "nats://nowhere.invalid", "", false, "http://127.0.0.1:18082"},
		{"0.0.0.0:18082", "nats://127.0.0.1", "alert-1.example.com", true, "https://alert-1.example.com:18082"},
		{"127.0.0.1:18082", "nats://127.0.0.1", "", false, "http://127.0.0.1:18082"},
		{"[fd00::7]:1", "nats://127.0.0.1", "", false, "http://[fd00::7]:1"},
	} {
		var log strings.Builder
		b := &builder{App: &App{log: slog.New(slog.NewTextHandler(&log, nil))}}
		b.config.NATSURL, b.config.AdvertiseHost = row.nats, row.advertise
		if got := b.instanceURL(Alert, row.addr, row.secure); got != row.want || log.Len() > 0 {
			t.Errorf("%+v: %s, logged %q", row, got, &log)
		}
	}
}
