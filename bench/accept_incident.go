package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
)

// knownKeys is the number of alert keys whose incidents are updated.
const knownKeys = 1000

// An acceptRate is the rate of accepted alerts, and the CPU time of Bongsu for each.
type acceptRate struct{ perSecond, cpu float64 }

// acceptIncident measures accepted alerts per second to one user with an alert key as a share of
// those without, alternately, in one process without senders, and the CPU time of each alert. Each alert opens an incident; or
// it updates one of a thousand, to an address where the first message still waits.
func acceptIncident(s *scene) {
	b := s.withoutSenders(s.auth())
	var opened atomic.Int64 // callers number the calls of each load anew
	with := func(key func(n int) string) func() acceptRate {
		send := sendAbout(b.endpoint, key)
		return func() acceptRate {
			s.run(load.Closed{Callers: workers, Time: s.Time / 20}, send)
			before := s.cpu(b)
			got := s.run(load.Closed{Callers: workers, Time: s.Time / 4}, send)
			return acceptRate{got.PerSecond(), float64((s.cpu(b) - before).Microseconds()) / float64(got.Count)}
		}
	}
	alone := with(func(int) string { return "" })
	open := with(func(int) string { return fmt.Sprint("incident ", opened.Add(1)) })
	update := with(func(n int) string { return fmt.Sprint("known ", n%knownKeys) })
	without, opens, updates := []acceptRate{alone()}, []acceptRate(nil), []acceptRate(nil)
	for range keyRounds {
		opens, updates, without = append(opens, open()), append(updates, update()), append(without, alone())
	}
	b.Kill()
	for _, f := range []struct {
		name, unit string
		value      func(acceptRate) float64
	}{
		{"accept-incident", "alerts/s", func(r acceptRate) float64 { return r.perSecond }},
		{"accept-incident/cpu", "µs/alert", func(r acceptRate) float64 { return r.cpu }},
	} {
		of, whole := name(f.name, "alone"), medianOf(without, f.value)
		s.add(figure.Figure{Name: of, Unit: f.unit, Value: whole})
		s.add(figure.Figure{Name: name(f.name, "opened"), Unit: f.unit, Value: medianOf(opens, f.value), Of: of, Whole: whole})
		s.add(figure.Figure{Name: name(f.name, "updated"), Unit: f.unit, Value: medianOf(updates, f.value), Of: of, Whole: whole})
	}
}

// medianOf returns the median of a value of rates.
func medianOf(rates []acceptRate, value func(acceptRate) float64) float64 {
	values := make([]float64, len(rates))
	for i, r := range rates {
		values[i] = value(r)
	}
	return figure.Median(values)
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
