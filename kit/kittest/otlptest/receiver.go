// Package otlptest receives the traces of programs under test by OTLP over HTTP.
package otlptest

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A Span is a span as it was received.
type Span struct {
	Service    string // service.name of its process
	Name       string
	Kind       string // server, client, producer, consumer or internal
	TraceID    string
	ID         string
	Parent     string   // id; empty for none
	Links      []string // ids, all of the same trace unless a trace id precedes them
	Attributes map[string]string
	Failed     bool // its status is an error
	start      uint64
}

// A Receiver keeps the spans that it receives. It is safe for concurrent use.
type Receiver struct {
	URL string // for OTEL_EXPORTER_OTLP_ENDPOINT

	mu       sync.Mutex
	spans    []Span
	requests int
	news     chan struct{} // closed on further spans
}

// Start returns a Receiver that stops at the end of the test.
func Start(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{news: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.receive(req); err != nil {
			t.Errorf("receive traces: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf") // an empty response
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// receive reads a request.
func (r *Receiver) receive(req *http.Request) error {
	if req.URL.Path != "/v1/traces" || req.Method != http.MethodPost {
		return fmt.Errorf("%s %s is not a request of OTLP", req.Method, req.URL.Path)
	}
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	export := new(coltracepb.ExportTraceServiceRequest)
	if err := proto.Unmarshal(text, export); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	for _, process := range export.GetResourceSpans() {
		service := attributesOf(process.GetResource().GetAttributes())["service.name"]
		for _, scope := range process.GetScopeSpans() {
			for _, wire := range scope.GetSpans() {
				r.spans = append(r.spans, spanOf(service, wire))
			}
		}
	}
	close(r.news)
	r.news = make(chan struct{})
	return nil
}

func spanOf(service string, wire *tracepb.Span) Span {
	s := Span{
		Service: service, Name: wire.GetName(), Kind: strings.ToLower(strings.TrimPrefix(wire.GetKind().String(), "SPAN_KIND_")),
		TraceID: hex.EncodeToString(wire.GetTraceId()), ID: hex.EncodeToString(wire.GetSpanId()), Parent: hex.EncodeToString(wire.GetParentSpanId()),
		Attributes: attributesOf(wire.GetAttributes()), Failed: wire.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR,
		start: wire.GetStartTimeUnixNano(),
	}
	for _, link := range wire.GetLinks() {
		id := hex.EncodeToString(link.GetSpanId())
		if other := hex.EncodeToString(link.GetTraceId()); other != s.TraceID {
			id = other + "/" + id
		}
		s.Links = append(s.Links, id)
	}
	return s
}

// attributesOf returns attributes as texts.
func attributesOf(wire []*commonpb.KeyValue) map[string]string {
	all := make(map[string]string, len(wire))
	for _, a := range wire {
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			all[a.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			all[a.GetKey()] = fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			all[a.GetKey()] = fmt.Sprint(v.BoolValue)
		default:
			all[a.GetKey()] = a.GetValue().String()
		}
	}
	return all
}

// Requests returns the number of requests so far.
func (r *Receiver) Requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// Trace returns the spans of a trace so far, in the order of their starts.
func (r *Receiver) Trace(id string) []Span {
	spans, _ := r.traceAndNews(id)
	return spans
}

func (r *Receiver) traceAndNews(id string) (spans []Span, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.TraceID == id {
			spans = append(spans, s)
		}
	}
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.start, b.start) })
	return spans, r.news
}

// Await waits until a trace has count spans, and returns all of them, or those so far if ctx
// ends before.
func (r *Receiver) Await(ctx context.Context, id string, count int) []Span {
	for {
		spans, news := r.traceAndNews(id)
		if len(spans) >= count {
			return spans
		}
		select {
		case <-news:
		case <-ctx.Done():
			return spans
		}
	}
}

// Tree returns spans as lines "service kind name", each indented below its parent. parent is
// the id above the roots, empty for none. Siblings are in the order of their starts; spans of
// two processes with different clocks may change places.
func Tree(spans []Span, parent string) string {
	var lines strings.Builder
	var below func(parent, indent string)
	below = func(parent, indent string) {
		for _, s := range spans {
			if s.Parent == parent {
				fmt.Fprintf(&lines, "%s%s %s %s\n", indent, s.Service, s.Kind, s.Name)
				below(s.ID, indent+"  ")
			}
		}
	}
	below(parent, "")
	return lines.String()
}
