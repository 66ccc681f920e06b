package main

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// traceRounds is the number of loads with traces, each between two without.
const traceRounds = 3

// traces measures accepted alerts and deliveries per second to one user with traces, of which
// one of 100 is sampled, as shares of those without an exporter, alternately.
func traces(s *scene) {
	sink := s.newTraceSink()
	off, on := s.bongsu(s.files()), s.traced(sink, func() *bongsu { return s.bongsu(s.files()) })
	s.besideUntraced("traces/deliver", "deliveries/s", func(b *bongsu) float64 { return s.deliver(b, 1).perSecond() }, off, on)
	s.must(off.Stop(s))
	s.must(on.Stop(s))

	off, on = s.withoutSenders(s.auth()), s.traced(sink, func() *bongsu { return s.withoutSenders(s.auth()) })
	s.requestSampled(on)
	s.besideUntraced("traces/accept", "alerts/s", func(b *bongsu) float64 {
		send := sendByConnect(b.endpoint, workers, toEach(1))
		s.run(load.Closed{Callers: workers, Time: s.Time / 10}, send)
		return s.run(load.Closed{Callers: workers, Time: s.Time / 2}, send).PerSecond()
	}, off, on)
	s.must(off.Stop(s))
	s.must(on.Stop(s)) // exports the last spans
	if sink.requests.Load() == 0 {
		s.Fatal("no span was exported")
	}
}

// requestSampled makes a request in a trace that is sampled, however short the loads are.
func (s *scene) requestSampled(b *bongsu) {
	at := b.asAdmin()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, at.url+"/v1/alerts", nil)
	s.must(err)
	at.authorizeRequest(req)
	req.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	s.must(res.Body.Close())
}

// besideUntraced adds the figure of a rate with traces as a share of that without, both medians.
func (s *scene) besideUntraced(what, unit string, rate func(*bongsu) float64, off, on *bongsu) {
	without := []float64{rate(off)}
	var with []float64
	for range traceRounds {
		with, without = append(with, rate(on)), append(without, rate(off))
	}
	of, whole := name(what, "off"), figure.Median(without)
	s.add(figure.Figure{Name: of, Unit: unit, Value: whole})
	s.add(figure.Figure{Name: what, Unit: unit, Value: figure.Median(with), Of: of, Whole: whole})
}

// traced returns the Bongsu that start starts, with traces that it exports to a sink.
func (s *scene) traced(sink *traceSink, start func() *bongsu) *bongsu {
	s.binaries.Env = []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + sink.url, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.01",
	}
	defer func() { s.binaries.Env = nil }()
	return start()
}

// A traceSink takes requests of OTLP and counts them.
type traceSink struct {
	url      string
	requests atomic.Int64
}

// newTraceSink returns a sink that stops with the scenario.
func (s *scene) newTraceSink() *traceSink {
	sink := &traceSink{}
	listener, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", "127.0.0.1:0")
	s.must(err)
	sink.url = "http://" + listener.Addr().String()
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // fails only if Bongsu is gone
		w.Header().Set("Content-Type", "application/x-protobuf")
		sink.requests.Add(1)
	})}
	go func() { _ = server.Serve(listener) }() // until Close
	s.Cleanup(func() { s.warn(server.Close()) })
	return sink
}
