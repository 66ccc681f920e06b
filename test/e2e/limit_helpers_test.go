package e2e

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// createUsers creates so many users under one credential, with names and channels that begin
// with prefix.
func (d deployment) createUsers(t *testing.T, prefix, token string, count int) {
	t.Helper()
	users := userv1connect.NewUserServiceClient(http.DefaultClient, d.edge)
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(16)
	for i := range count {
		g.Go(func() error {
			name := prefix + strconv.Itoa(i)
			_, err := users.CreateUser(ctx, &userv1.CreateUserRequest{NickName: name, Addresses: []*userv1.NewAddress{
				{Messenger: "slack", Credential: token, Destination: "C" + name + "."},
			}})
			return err
		})
	}
	must(t, g.Wait())
}

// startWithLimit runs one process without the demonstration data.
func startWithLimit(t *testing.T, data string, more ...string) (deployment, *proc.Process) {
	t.Helper()
	args := append([]string{"--services=all,mockup", "--data=" + data}, anywhere...)
	p := binaries.Serve(t, append(args, more...)...)
	urls := p.URLs(t, 5)
	return deployment{edge: urls["edge"], sender: urls["sender"], mockup: urls["mockup"]}, p
}

// endedWithin is ended with another timeout.
func (d deployment) endedWithin(t *testing.T, id string, patience time.Duration) []*alertv1.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for d.get(t, id).GetAlert().GetDeliveryCounts().GetQueued() > 0 {
		look(ctx, t)
	}
	return d.get(t, id).GetDeliveries()
}

// times returns the times of calls whose body contains a text.
func times(calls []*mockupv1.Call, contains string) []time.Time {
	var all []time.Time
	for _, c := range calls {
		if strings.Contains(c.GetBody(), contains) {
			all = append(all, c.GetTime().AsTime())
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// busiest returns the maximum number of calls within any second.
func busiest(times []time.Time) int {
	most := 0
	for i := range times {
		n, _ := slices.BinarySearchFunc(times[i:], times[i].Add(time.Second), time.Time.Compare)
		most = max(most, n)
	}
	return most
}

// starts returns the start times of the attempts of deliveries in the ledger.
func starts(deliveries []*alertv1.Delivery) []time.Time {
	var all []time.Time
	for _, d := range deliveries {
		for _, a := range d.GetAttempts() {
			all = append(all, a.GetStartTime().AsTime())
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// keptAt20 checks that senders started at most 22 calls in any second at a limit of 20
// per second. The provider may receive some closer together: delays of calls in flight,
// or of the fake itself, are not due to the senders.
func keptAt20(t *testing.T, deliveries []*alertv1.Delivery, calls []time.Time) {
	t.Helper()
	begun, seen := busiest(starts(deliveries)), busiest(calls)
	t.Logf("the busiest second had %d calls, the provider received %d", begun, seen)
	if begun > 22 || seen > 25 {
		t.Errorf("the busiest second had %d calls, the provider received %d", begun, seen)
	}
}

func allSent(t *testing.T, deliveries []*alertv1.Delivery) {
	t.Helper()
	for _, delivery := range deliveries {
		if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
			t.Errorf("%v", delivery)
		}
	}
}
