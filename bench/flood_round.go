package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/bench/load"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
)

const (
	// callerAddresses is the number of addresses of callers that stay below their limit.
	callerAddresses = 8
	// callerRate is the rate of these callers in alerts/s: half of the limit of each address.
	callerRate = callerAddresses * 25
	// floodRate is the rate of the flooder in requests/s: forty times the limit of its address.
	floodRate = 2000
	// flooders is the maximum number of concurrent requests of the flooder.
	flooders = 8
)

// callerAddress returns an address of the callers.
func callerAddress(n int) string { return fmt.Sprintf("127.0.1.%d", 1+n) }

// flooderAddress returns the address of the flooder in a round. It differs between rounds,
// because a ban outlasts a round.
func flooderAddress(round int) string { return fmt.Sprintf("127.0.2.%d", 1+round) }

// sendFrom returns a call that sends alerts to one user each from an address of this machine.
func sendFrom(address string, at endpoint, callers int) load.Call {
	transport := newTransport(callers)
	transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext
	client := &http.Client{Timeout: callTimeout, Transport: transport}
	return sendBy(alertv1connect.NewAlertServiceClient(client, at.url, at.options(connect.WithProtoJSON())), toEach(1))
}

// newCallers returns a call that sends alerts to one user each, from the addresses of the
// callers in turn.
func newCallers(at endpoint) load.Call {
	calls := make([]load.Call, callerAddresses)
	for n := range calls {
		calls[n] = sendFrom(callerAddress(n), at, workers)
	}
	return func(ctx context.Context, n int) error { return calls[n%callerAddresses](ctx, n) }
}

// A floodRound is the result of one load of callers, with or without a flood.
type floodRound struct {
	latencies      []time.Duration // of callers, sorted
	callersRefused int
	sent, refused  int           // requests of the flooder
	elapsed        time.Duration // of the flood
}

// floodRound sends alerts by callers, with a flood from an address meanwhile, or without one
// if it is empty. The scenario fails if an accepted alert is lost or a duplicate.
func (s *scene) floodRound(b *bongsu, callers load.Call, flooder string) (r floodRound) {
	// A 99th percentile of few calls is meaningless, and a ban takes more than 200 requests.
	duration := max(s.Time, min(3*time.Second, 5*s.Time), time.Second/2)
	open := load.Open{Rate: callerRate, Time: duration, Callers: callerAddresses * workers}
	wild := load.Open{Rate: floodRate, Time: duration, Callers: flooders}
	sent, flooded := make([]connect.Code, open.Count()), make([]connect.Code, wild.Count())
	tally := s.fake.Expect(len(sent)+len(flooded), 1)
	g, ctx := errgroup.WithContext(s.ctx)
	g.Go(func() error {
		got, err := open.Run(ctx, unscheduled, refusable(callers, sent, 0))
		r.latencies = got.Latencies
		return err
	})
	if flooder == "" {
		flooded = nil
	} else {
		call := refusable(sendFrom(flooder, b.endpoint, flooders), flooded, len(sent))
		g.Go(func() error {
			got, err := wild.Run(ctx, unscheduled, call)
			r.elapsed = got.Elapsed
			return err
		})
	}
	s.must(g.Wait())
	r.callersRefused, r.sent, r.refused = refusals(sent), len(flooded), refusals(flooded)
	if flooder != "" {
		s.must(checkFlood(flooded))
	}
	s.received(tally, len(sent)-r.callersRefused+r.sent-r.refused)
	s.recorded(b)
	s.must(tally.Check())
	return r
}

// unscheduled ignores the schedule of calls.
func unscheduled(int, time.Time) {}

// served is the code of a call that is not refused.
const served connect.Code = 0

// refusable returns a call that may be refused by the edge: its code is set in codes. Alerts
// are numbered from the number first.
func refusable(call load.Call, codes []connect.Code, first int) load.Call {
	return func(ctx context.Context, n int) error {
		err := call(ctx, first+n)
		if err == nil {
			return nil
		}
		switch code := connect.CodeOf(err); code {
		case connect.CodeResourceExhausted, connect.CodePermissionDenied: // statuses 429 and 403
			codes[n] = code
			return nil
		default:
			return err
		}
	}
}

// refusals returns the number of refused calls.
func refusals(codes []connect.Code) (count int) {
	for _, code := range codes {
		if code != served {
			count++
		}
	}
	return count
}

// checkFlood returns an error unless the codes of a flood's calls, in their order, are those
// of an address that is limited (429) and then banned (403) until the end.
func checkFlood(codes []connect.Code) error {
	limited, banned := slices.Index(codes, connect.CodeResourceExhausted), slices.Index(codes, connect.CodePermissionDenied)
	if limited < 0 || banned < limited || codes[len(codes)-1] != connect.CodePermissionDenied {
		return fmt.Errorf("of %d requests of the flooder, the first with status 429 is number %d, with 403 number %d, and the last has code %d; want 429, then 403 until the end",
			len(codes), limited, banned, codes[len(codes)-1])
	}
	return nil
}
