package main

import (
	"path/filepath"
	"slices"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// accept measures accepted alerts per second without senders, in one process with a
// separate broker, to one, five and a hundred users. Every response follows a commit
// with fsync. The scenario deliver includes the senders' share of the machine.
func accept(s *scene) {
	for _, by := range protocols {
		b := s.withoutSenders(s.auth())
		bare, of := protocols[0], "ceiling/handler"
		if by.name == "grpc" {
			bare, of = by, "ceiling/handler-grpc"
		}
		var taken [3]load.Result
		whole := beside(func() float64 { return s.ceilingHandler(bare) }, func() {
			for i, width := range acceptWidths {
				send := by.send(b.endpoint, workers, toEach(width))
				s.run(load.Closed{Callers: workers, Time: s.Time / 10}, send)
				taken[i] = s.run(load.Closed{Callers: workers, Time: s.Time}, send)
			}
		})
		b.Kill()
		for i, width := range acceptWidths {
			s.add(figure.Figure{Name: name("accept", by.name, width), Unit: "alerts/s", Value: taken[i].PerSecond(), Of: of, Whole: whole})
			for _, p := range []float64{50, 99} {
				s.add(figure.Figure{Name: name("accept", by.name, width, percentile(p)), Unit: "ms", Value: milliseconds(figure.Percentile(taken[i].Latencies, p))})
			}
		}
	}
}

var acceptWidths = [3]int{1, 5, 100}

// withoutSenders runs the services that accept alerts, with users. auth is the flag --auth.
func (s *scene) withoutSenders(auth string) *bongsu {
	in := s.files()
	data := filepath.Dir(in.ledger)
	_, nats := s.binaries.NATS(s, s.folder(), -1)
	p := s.binaries.Serve(s, slices.Concat(unlimited, []string{
		"--services=edge,access,directory,alert", auth, "--nats-url=" + nats, "--data=" + data, "--edge-addr=127.0.0.1:0",
		"--seal-key-file=" + s.key,
	})...)
	b := &bongsu{Process: p, endpoint: endpoint{url: p.URLs(s, 1)["edge"]}, data: data, ledger: s.open(in.ledger)}
	if auth == requireKeys {
		s.createKeys(b)
	}
	s.settle(b.asAdmin(), people, widths...)
	return b
}
