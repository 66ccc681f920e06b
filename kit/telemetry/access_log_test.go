package telemetry_test

import (
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// entry is an entry with every field.
func entry() *telemetry.AccessEntry {
	return &telemetry.AccessEntry{
		Time: time.Date(2026, 11, 29, 3, 4, 5, 678_000_000, time.UTC), Duration: 1500 * time.Microsecond,
		RequestID: "req-1", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Client: netip.MustParseAddr("192.0.2.1"), Caller: "k1",
		Method: "POST", Path: "/v1/books/7", Route: "POST /v1/books/{id}", Procedure: "/library.v1.BookService/LendBook", Protocol: "rest",
		Status: 201, Code: "ok", BytesIn: 20, BytesOut: 30,
	}
}

// written returns the lines of entries in a format.
func written(f telemetry.Format, entries ...*telemetry.AccessEntry) string {
	var out strings.Builder
	log := telemetry.NewAccessLog(&out, f, "library")
	for _, e := range entries {
		log.Write(e)
	}
	log.Close()
	return out.String()
}

func TestAccessLines(t *testing.T) {
	for _, c := range []struct {
		name   string
		format telemetry.Format
		change func(*telemetry.AccessEntry)
		want   string
	}{
		{"text", telemetry.Text, nil, `time=2026-11-29T03:04:05.678Z level=INFO msg=request request_id=req-1 trace_id=4bf92f3577b34da6a3ce929d0e0e4736 ` +
			`client=192.0.2.1 caller=k1 method=POST path=/v1/books/7 route="POST /v1/books/{id}" procedure=/library.v1.BookService/LendBook protocol=rest ` +
			`status=201 code=ok duration=1.5ms bytes_in=20 bytes_out=30`},
		{"JSON", telemetry.JSON, nil, `{"time":"2026-11-29T03:04:05.678Z","level":"INFO","msg":"request","request_id":"req-1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",` +
			`"client":"192.0.2.1","caller":"k1","method":"POST","path":"/v1/books/7","route":"POST /v1/books/{id}","procedure":"/library.v1.BookService/LendBook","protocol":"rest",` +
			`"status":201,"code":"ok","duration":1500000,"bytes_in":20,"bytes_out":30}`},
		{"ECS", telemetry.ECS, nil, `{"@timestamp":"2026-11-29T03:04:05.678Z","log.level":"info","message":"request","ecs.version":"8.11.0","service.name":"library","event.dataset":"library.access",` +
			`"http.request.id":"req-1","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","client.ip":"192.0.2.1","user.id":"k1","http.request.method":"POST","url.path":"/v1/books/7",` +
			`"http.route":"POST /v1/books/{id}","rpc.method":"/library.v1.BookService/LendBook","network.protocol":"rest","http.response.status_code":201,"rpc.response.status_code":"ok",` +
			`"event.duration":1500000,"http.request.body.bytes":20,"http.response.body.bytes":30,"event.outcome":"success"}`},
		{"text with quotes and nothing else", telemetry.Text, func(e *telemetry.AccessEntry) {
			*e = telemetry.AccessEntry{Time: e.Time, Path: "/a b=\"\n", Method: "GET", Status: 404, Code: "not_found"}
		}, `time=2026-11-29T03:04:05.678Z level=INFO msg=request method=GET path="/a b=\"\n" status=404 code=not_found duration=0s bytes_in=0 bytes_out=0`},
		{"JSON with quotes, a zone and bytes that are no text", telemetry.JSON, func(e *telemetry.AccessEntry) {
			*e = telemetry.AccessEntry{Time: e.Time, Path: "/\"\\\n\xff", Client: netip.MustParseAddr(`::ffff:192.0.2.9`), Status: 200, Code: "ok"}
		}, `{"time":"2026-11-29T03:04:05.678Z","level":"INFO","msg":"request","client":"192.0.2.9","path":"/\"\\\n\ufffd","status":200,"code":"ok","duration":0,"bytes_in":0,"bytes_out":0}`},
		{"an address with a zone", telemetry.Text, func(e *telemetry.AccessEntry) {
			*e = telemetry.AccessEntry{Time: e.Time, Client: netip.MustParseAddr("fe80::1").WithZone(`" forged=1`), Status: 200, Code: "ok"}
		}, `time=2026-11-29T03:04:05.678Z level=INFO msg=request client=fe80::1 status=200 code=ok duration=0s bytes_in=0 bytes_out=0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := entry()
			if c.change != nil {
				c.change(e)
			}
			if got := written(c.format, e); got != c.want+"\n" {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestOutcomes checks the outcome of a request in ECS: gRPC has status 200 with every code.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   string
	}{
		{200, "ok", "success"}, {304, "ok", "success"}, {200, "not_found", "failure"}, {500, "internal", "failure"},
	} {
		e := entry()
		e.Status, e.Code = c.status, c.code
		var line map[string]any
		if err := json.Unmarshal([]byte(written(telemetry.ECS, e)), &line); err != nil || line["event.outcome"] != c.want {
			t.Errorf("%d %s: %v, %v; want %s", c.status, c.code, line["event.outcome"], err, c.want)
		}
	}
}

// blockedWriter takes lines only after it is opened.
type blockedWriter struct {
	open chan struct{}
	mu   sync.Mutex
	text strings.Builder
}

func (w *blockedWriter) Write(p []byte) (int, error) {
	<-w.open
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// TestSlowWriter checks that a writer that takes nothing blocks no request and takes little
// memory, and that every line that is not dropped is written once, whole.
func TestSlowWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &blockedWriter{open: make(chan struct{})}
		log := telemetry.NewAccessLog(w, telemetry.JSON, "library")
		const lines = 20_000
		dropped := 0
		for range lines {
			if !log.Write(entry()) {
				dropped++
			}
		}
		if dropped == 0 {
			t.Error("nothing is dropped while the writer takes nothing")
		}
		close(w.open)
		log.Close()
		if log.Write(entry()) {
			t.Error("a line is taken after the end")
		}
		written := strings.Split(strings.TrimSuffix(w.text.String(), "\n"), "\n")
		if len(written)+dropped != lines {
			t.Errorf("%d lines written, %d dropped of %d", len(written), dropped, lines)
		}
		for _, line := range written {
			if !json.Valid([]byte(line)) {
				t.Fatalf("a line is not whole: %s", line)
			}
		}
	})
}

// TestLinesAreWrittenSoon checks that a line is not kept longer than the interval.
func TestLinesAreWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &blockedWriter{open: make(chan struct{})}
		close(w.open)
		log := telemetry.NewAccessLog(w, telemetry.Text, "library")
		defer log.Close()
		for range 3 {
			log.Write(entry())
			time.Sleep(101 * time.Millisecond) // in the synctest bubble
			synctest.Wait()
			w.mu.Lock()
			if strings.Count(w.text.String(), "\n") != 1 {
				t.Errorf("written: %q", w.text.String())
			}
			w.text.Reset()
			w.mu.Unlock()
		}
	})
}

// TestConcurrentWrites checks that lines of concurrent requests are whole.
func TestConcurrentWrites(t *testing.T) {
	var out strings.Builder
	log := telemetry.NewAccessLog(&out, telemetry.JSON, "library")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				log.Write(entry())
			}
		})
	}
	all.Wait()
	log.Close()
	if n := strings.Count(out.String(), `"bytes_out":30}`+"\n"); n != 800 {
		t.Errorf("%d whole lines", n)
	}
}

func BenchmarkAccessLog(b *testing.B) {
	for _, f := range []struct {
		name   string
		format telemetry.Format
	}{{"text", telemetry.Text}, {"json", telemetry.JSON}, {"ecs", telemetry.ECS}} {
		b.Run(f.name, func(b *testing.B) {
			log := telemetry.NewAccessLog(io.Discard, f.format, "library")
			defer log.Close()
			e := entry()
			b.ReportAllocs()
			for b.Loop() {
				log.Write(e)
			}
		})
	}
}

// FuzzAccessLine checks that no value of a request can forge a field or a line.
func FuzzAccessLine(f *testing.F) {
	f.Add("/v1/books", "GET", "req-1")
	f.Add("/\"},\n{\"x\":1", "G\x00ET", "a b=c")
	f.Add("/\xff\u2028", "", "\\")
	f.Fuzz(func(t *testing.T, path, method, id string) {
		e := entry()
		e.Path, e.Method, e.RequestID = path, method, id
		for _, format := range []telemetry.Format{telemetry.JSON, telemetry.ECS} {
			line := written(format, e)
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil || strings.Count(line, "\n") != 1 {
				t.Fatalf("%q: %v", line, err)
			}
			name := map[telemetry.Format]string{telemetry.JSON: "path", telemetry.ECS: "url.path"}[format]
			if got, _ := fields[name].(string); got != strings.ToValidUTF8(path, "\ufffd") && strings.ToValidUTF8(path, "") == path {
				t.Fatalf("path is %q, want %q", got, path)
			}
		}
		if line := written(telemetry.Text, e); strings.Count(line, "\n") != 1 || !strings.Contains(line, " bytes_out=30\n") {
			t.Fatalf("%q", line)
		}
	})
}
