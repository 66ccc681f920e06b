package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
)

// knownKeys is the number of alert keys whose incidents are updated.
const knownKeys = 1000

// An acceptRound is a round of accepted alerts, and the CPU time of Bongsu in it.
type acceptRound struct {
	load.Result
	cpu time.Duration
}

// acceptIncident measures accepted alerts per second to one user with an alert key as a share of
// those without, alternately, in one process without senders, and the CPU time of each alert. Each alert opens an incident; or
// it updates one of a thousand, to an address where the first message still waits.
func acceptIncident(s *scene) {
	b := s.withoutSenders(s.auth())
	var opened atomic.Int64 // callers number the calls of each load anew
	with := func(key func(n int) string) func() acceptRound {
		send := sendAbout(b.endpoint, key)
		return func() acceptRound {
			s.run(load.Closed{Callers: workers, Time: s.Time / 20}, send)
			before := s.cpu(b)
			got := s.run(load.Closed{Callers: workers, Time: s.Time / 4}, send)
			return acceptRound{got, s.cpu(b) - before}
		}
	}
	alone := with(func(int) string { return "" })
	open := with(func(int) string { return fmt.Sprint("incident ", opened.Add(1)) })
	update := with(func(n int) string { return fmt.Sprint("known ", n%knownKeys) })
	without, opens, updates := []acceptRound{alone()}, []acceptRound(nil), []acceptRound(nil)
	for range keyRounds {
		opens, updates, without = append(opens, open()), append(updates, update()), append(without, alone())
	}
	b.Kill()
	s.addAccepted("accept-incident", "alerts/s", medianRate, without, opens, updates)
	s.addAccepted("accept-incident/cpu", "µs/alert", cpuPerAlert, without, opens, updates)
}

// addAccepted adds a value of the rounds of acceptIncident.
func (s *scene) addAccepted(what, unit string, value func([]acceptRound) float64, without, opens, updates []acceptRound) {
	of, whole := name(what, "alone"), value(without)
	s.add(figure.Figure{Name: of, Unit: unit, Value: whole})
	s.add(figure.Figure{Name: name(what, "opened"), Unit: unit, Value: value(opens), Of: of, Whole: whole})
	s.add(figure.Figure{Name: name(what, "updated"), Unit: unit, Value: value(updates), Of: of, Whole: whole})
}

// medianRate returns the median of the alerts per second.
func medianRate(rounds []acceptRound) float64 {
	rates := make([]float64, len(rounds))
	for i, r := range rounds {
		rates[i] = r.PerSecond()
	}
	return figure.Median(rates)
}

// cpuPerAlert returns the CPU time per alert in microseconds. It is that of all rounds, because a
// short one takes few ticks.
func cpuPerAlert(rounds []acceptRound) float64 {
	cpu, count := time.Duration(0), 0
	for _, r := range rounds {
		cpu, count = cpu+r.cpu, count+r.Count
	}
	return float64(cpu.Microseconds()) / float64(count)
}

// sendAbout sends alerts with alert keys to one user each, by Connect.
func sendAbout(at endpoint, key func(n int) string) load.Call {
	client := alertv1connect.NewAlertServiceClient(newHTTPClient(workers), at.url, at.options(connect.WithProtoJSON()))
	to := toEach(1)
	return func(ctx context.Context, n int) error {
		_, err := client.SendAlert(ctx, &alertv1.SendAlertRequest{Target: []string{to.target(n)}, Message: fake.Text(n), Key: key(n)})
		return err
	}
}
