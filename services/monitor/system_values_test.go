package monitor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// serveValues serves the values of a process, and returns a source of one of them.
func serveValues(t *testing.T, local probe.LocalValues, v probe.SystemValue) ValueSource {
	t.Helper()
	mux := http.NewServeMux()
	codes := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc { // as those of every port
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			res, err := next(ctx, req)
			if errors.Is(err, fault.ErrNotFound) {
				err = connect.NewError(connect.CodeNotFound, err)
			}
			return res, err
		}
	})
	mux.Handle(monitorv1connect.NewSystemValueServiceHandler(&SystemValueHandler{Values: func() probe.LocalValues { return local }}, connect.WithInterceptors(codes)))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := SystemValueClient{Service: monitorv1connect.NewSystemValueServiceClient(server.Client(), server.URL)}
	return ValueSource{Instance: server.URL, Read: func(ctx context.Context) (float64, error) { return client.Read(ctx, v) }}
}

// TestSystemValues checks the readings of another process: a value, the reason of a value that could not be
// read, none for a process that does not have it, and a process that does not respond in time.
func TestSystemValues(t *testing.T) {
	ended := make(chan struct{})
	defer close(ended)
	local := probe.LocalValues{
		probe.OldestDue:       func(context.Context) (float64, error) { return 7, nil },
		probe.StuckDeliveries: func(context.Context) (float64, error) { return 0, errors.New("ledger is locked") },
		probe.LedgerLatency:   func(context.Context) (float64, error) { <-ended; return 0, nil }, // whatever its context
	}
	values := SystemValues{Sources: func(v probe.SystemValue) []ValueSource { return []ValueSource{serveValues(t, local, v)} }}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for v, want := range map[probe.SystemValue]string{
		probe.OldestDue: "7 <nil>", probe.StuckDeliveries: "0 ledger is locked", probe.LedgerLatency: "0 timeout",
	} {
		all := values.ReadValue(ctx, v)
		kittest.Equal(t, len(all), 1)
		kittest.Equal(t, fmt.Sprint(all[0].Value, all[0].Err), want)
		kittest.Equal(t, values.Has(ctx, v), true)
	}
	kittest.Equal(t, len(values.ReadValue(ctx, probe.SealKeyAge)), 0)
	kittest.Equal(t, values.Has(ctx, probe.SealKeyAge), false)
}

// TestUnreachableValue checks that the value of a process that cannot be called is unreachable before the
// deadline of the check, and that it counts as one that is only if that is certain.
func TestUnreachableValue(t *testing.T) {
	source := ValueSource{Instance: "a", Read: func(ctx context.Context) (float64, error) {
		<-ctx.Done()
		return 0, fmt.Errorf("%w: %s", probe.ErrUnreachable, connect.CodeUnavailable)
	}}
	values := SystemValues{Sources: func(probe.SystemValue) []ValueSource { return []ValueSource{source} }}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	all := values.ReadValue(ctx, probe.OldestDue)
	kittest.Equal(t, len(all) == 1 && errors.Is(all[0].Err, probe.ErrUnreachable) && ctx.Err() == nil, true)
	kittest.Equal(t, values.Has(ctx, probe.OldestDue), false)
	source.Certain = true
	kittest.Equal(t, values.Has(ctx, probe.OldestDue), true)
}
