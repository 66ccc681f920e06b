package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// TestECSHandler checks the names of the schema, and that other attributes cannot contradict
// its fields.
func TestECSHandler(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(telemetry.NewHandler(&out, telemetry.ECS, "library", slog.LevelInfo)).With("service", "lender")
	log.Debug("hidden")
	log.Warn("call failed", "error", errors.New("no such book"), "request_id", "r1", "trace_id", "t1", "procedure", "/p", "count", 3)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", out.String(), err)
	}
	written, _ := line["@timestamp"].(string)
	if at, err := time.Parse(time.RFC3339Nano, written); err != nil || at.Location() != time.UTC {
		t.Errorf("@timestamp is %q", written)
	}
	delete(line, "@timestamp")
	want := map[string]any{
		"log.level": "warn", "message": "call failed", "ecs.version": "8.11.0", "service.name": "library", "labels.service": "lender",
		"error.message": "no such book", "http.request.id": "r1", "trace.id": "t1", "rpc.method": "/p", "labels.count": 3.0,
	}
	for name, value := range want {
		if line[name] != value {
			t.Errorf("%s is %v, want %v", name, line[name], value)
		}
	}
	if len(line) != len(want) {
		t.Errorf("line has other fields: %s", out.String())
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]telemetry.Format{"text": telemetry.Text, "json": telemetry.JSON, "ecs": telemetry.ECS} {
		if got, err := telemetry.ParseFormat(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := telemetry.ParseFormat("xml"); err == nil {
		t.Error("xml is a format")
	}
}
