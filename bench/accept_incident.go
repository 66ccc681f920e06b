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

// acceptIncident measures accepted alerts per second to one user with an alert key as a share of
// those without, alternately, in one process without senders. Each alert opens an incident; or
// it updates one of a thousand, to an address where the first message still waits.
func acceptIncident(s *scene) {
	b := s.withoutSenders(s.auth())
	var opened atomic.Int64 // callers number the calls of each load anew
	with := func(key func(n int) string) func() float64 {
		send := sendAbout(b.endpoint, key)
		return func() float64 {
			s.run(load.Closed{Callers: workers, Time: s.Time / 20}, send)
			return s.run(load.Closed{Callers: workers, Time: s.Time / 4}, send).PerSecond()
		}
	}
	alone := with(func(int) string { return "" })
	open := with(func(int) string { return fmt.Sprint("incident ", opened.Add(1)) })
	update := with(func(n int) string { return fmt.Sprint("known ", n%knownKeys) })
	without, opens, updates := []float64{alone()}, []float64(nil), []float64(nil)
	for range keyRounds {
		opens, updates, without = append(opens, open()), append(updates, update()), append(without, alone())
	}
	b.Kill()
	of, whole := name("accept-incident", "alone"), figure.Median(without)
	s.add(figure.Figure{Name: of, Unit: "alerts/s", Value: whole})
	s.add(figure.Figure{Name: name("accept-incident", "opened"), Unit: "alerts/s", Value: figure.Median(opens), Of: of, Whole: whole})
	s.add(figure.Figure{Name: name("accept-incident", "updated"), Unit: "alerts/s", Value: figure.Median(updates), Of: of, Whole: whole})
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
