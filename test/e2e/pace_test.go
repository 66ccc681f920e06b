package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// crowd makes so many users under one credential, named after prefix, each with a
// channel of the same name.
func (d deployment) crowd(t *testing.T, prefix, token string, count int) {
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

// paced runs one process without the demonstration data.
func paced(t *testing.T, data string, more ...string) (deployment, *proc.Process) {
	t.Helper()
	args := append([]string{"--services=all,mockup", "--data=" + data}, anywhere...)
	p := binaries.Serve(t, append(args, more...)...)
	urls := p.URLs(t, 5)
	return deployment{edge: urls["edge"], sender: urls["sender"], mockup: urls["mockup"]}, p
}

// endedWithin is ended with another patience.
func (d deployment) endedWithin(t *testing.T, id string, patience time.Duration) []*alertv1.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for d.get(t, id).GetAlert().GetDeliveryCounts().GetQueued() > 0 {
		look(ctx, t)
	}
	return d.get(t, id).GetDeliveries()
}

// times gives when calls came whose body contains something.
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

// busiest is how many calls came within any second.
func busiest(times []time.Time) int {
	most := 0
	for i := range times {
		n, _ := slices.BinarySearchFunc(times[i:], times[i].Add(time.Second), time.Time.Compare)
		most = max(most, n)
	}
	return most
}

// starts gives when senders began the attempts of deliveries, as the ledger says.
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

// keptAt20 sees that senders began no more than 22 calls in any second at a limit of
// 20 a second. The provider may see some of them closer together: what holds up
// calls under way, or the fake itself, is not of the senders' making.
func keptAt20(t *testing.T, deliveries []*alertv1.Delivery, calls []time.Time) {
	t.Helper()
	begun, seen := busiest(starts(deliveries)), busiest(calls)
	t.Logf("the busiest second had %d calls, the provider saw %d", begun, seen)
	if begun > 22 || seen > 25 {
		t.Errorf("the busiest second had %d calls, the provider saw %d", begun, seen)
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

// manyRecipients sends one alert to many under one credential at 50 calls a
// second: it is done within 10 % of the floor, as the provider sees it, and hardly
// faster, even in the second after a stall. BONGSU_E2E_RECIPIENTS=1300 is the long run.
func manyRecipients(t *testing.T) {
	count, err := strconv.Atoi(cmp.Or(os.Getenv("BONGSU_E2E_RECIPIENTS"), "260"))
	must(t, err)
	d, _ := paced(t, t.TempDir(), "--credential-limit=50/s", "--destination-limit=")
	d.crowd(t, "u", "xoxb-one", count)
	start := time.Now()
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
	deliveries := d.endedWithin(t, id, 2*time.Minute)
	allSent(t, deliveries)
	for _, delivery := range deliveries {
		if len(delivery.GetAttempts()) != 1 {
			t.Errorf("%v", delivery)
		}
	}
	calls := times(d.calls(t), "")
	floor := time.Duration(count-1) * time.Second / 50
	took := calls[len(calls)-1].Sub(start)
	t.Logf("%d recipients took %s, the floor is %s; the busiest second had %d calls", len(calls), took, floor, busiest(calls))
	most := floor * 110 / 100
	if count < 1300 { // a busy machine begins late, which the long run has time to spread
		most += time.Second
	}
	if len(calls) != count || took > most || busiest(calls) > 57 {
		t.Errorf("%d calls for %d recipients in %s, at most %d a second", len(calls), count, took, busiest(calls))
	}
}

// thirtyAlerts sends 30 alerts at once to one channel of a provider that takes
// one a second and refuses the rest: all are delivered, and no attempt is burnt.
func thirtyAlerts(t *testing.T) {
	for name, limit := range map[string]string{"a second apart": "--destination-limit=1/s", "in bursts as Slack allows": "--destination-limit=", "by what the provider says only": "--destination-limit=off"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := paced(t, t.TempDir(), "--credential-limit=off", limit)
			d.crowd(t, "u", "xoxb-one", 1)
			d.fault(t, &mockupv1.Fault{PerSecond: 1, Status: 429, Headers: map[string]string{"Retry-After": "1"}})
			ids := make([]string, 30)
			var g errgroup.Group
			for i := range ids {
				g.Go(func() error {
					ids[i] = d.send(t, fmt.Sprintf(`{"target":["@u0"],"message":"m%d"}`, i)).ID
					return nil
				})
			}
			must(t, g.Wait())
			paused := 0
			for _, id := range ids {
				deliveries := d.endedWithin(t, id, 3*time.Minute)
				allSent(t, deliveries)
				got := strings.Fields(kinds(deliveries[0]))
				if last := got[len(got)-1]; last != "sent" || slices.ContainsFunc(got[:len(got)-1], func(k string) bool { return k != "paused" }) {
					t.Errorf("attempts %v", got)
				}
				paused += len(got) - 1
			}
			t.Logf("%d calls of %d were answered by 429", paused, len(d.calls(t)))
			if limit == "--destination-limit=1/s" && paused > 3 {
				t.Errorf("%d calls came too early", paused)
			}
		})
	}
}

// TestShortLease lets what waits for its turn be held under a lease that is hardly
// longer than it may wait: it goes back in time, so that no lease runs out and no
// turn is lost.
func TestShortLease(t *testing.T) {
	d, p := paced(t, t.TempDir(), "--credential-limit=off", "--destination-limit=1/s", "--lease=3s", "--provider-timeout=1400ms")
	d.crowd(t, "u", "xoxb-one", 1)
	ids := make([]string, 12)
	for i := range ids {
		ids[i] = d.send(t, fmt.Sprintf(`{"target":["@u0"],"message":"m%d"}`, i)).ID
	}
	for _, id := range ids {
		if got := kinds(d.endedWithin(t, id, time.Minute)[0]); got != "sent" {
			t.Errorf("attempts: %s", got)
		}
	}
	calls := times(d.calls(t), "")
	if took := calls[len(calls)-1].Sub(calls[0]); len(calls) != len(ids) || took > 13*time.Second {
		t.Errorf("%d calls took %s, the floor is 11s", len(calls), took)
	}
	if strings.Contains(p.Said(), "a lease would have run out") {
		t.Error("leases ran out")
	}
}

var attemptsMeasured = regexp.MustCompile(`(?m)^bongsu_sender_attempt_duration_seconds_count\{.*\} (\d+)$`)

// TestTwoSenders lets two senders work one credential: together they keep its
// limit, and when one is told to wait both do.
func TestTwoSenders(t *testing.T) {
	d, startSender := withoutSender(t)
	senders := []string{startSender("--credential-limit=20/s"), startSender("--credential-limit=20/s")}
	d.crowd(t, "two", "xoxb-two", 150)
	targets := make([]string, 150)
	for i := range targets {
		targets[i] = fmt.Sprintf(`"@two%d"`, i)
	}
	id := d.send(t, `{"target":[`+strings.Join(targets, ",")+`],"message":"m"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for len(d.calls(t)) < 50 {
		look(ctx, t)
	}
	d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3"}})
	var answered time.Time
	for answered.IsZero() {
		for _, c := range d.calls(t) {
			if c.GetAnswerStatus() == http.StatusTooManyRequests {
				answered = c.GetTime().AsTime()
				break
			}
		}
		look(ctx, t)
	}
	d.fault(t, &mockupv1.Fault{Delay: nil}) // takes the place of the other
	deliveries := d.endedWithin(t, id, time.Minute)
	allSent(t, deliveries)
	calls := times(d.calls(t), "")
	keptAt20(t, deliveries, calls)
	for _, c := range calls {
		if after := c.Sub(answered); after > 200*time.Millisecond && after < 2900*time.Millisecond {
			t.Errorf("a call %s after a 429 that asked for 3 s", after)
		}
	}
	for _, url := range senders {
		_, page := ask(t, http.MethodGet, url+"/metrics", "")
		made := 0
		for _, m := range attemptsMeasured.FindAllStringSubmatch(page, -1) {
			n, err := strconv.Atoi(m[1])
			must(t, err)
			made += n
		}
		t.Logf("a sender made %d calls", made)
		if made < 20 {
			t.Errorf("a sender made only %d calls\n%s", made, page)
		}
	}
}

// TestStalledSenders stops two senders of one credential for a moment, as a loaded
// machine does, and lets them go on: they make up for it together no faster than
// the limit, and nobody is told twice.
func TestStalledSenders(t *testing.T) {
	d, startSender := withoutSender(t)
	var senders []*proc.Process
	for range 2 {
		startSender("--credential-limit=20/s")
		senders = append(senders, d.parts["sender"])
	}
	d.crowd(t, "two", "xoxb-two", 100)
	targets := make([]string, 100)
	for i := range targets {
		targets[i] = fmt.Sprintf(`"@two%d"`, i)
	}
	id := d.send(t, `{"target":[`+strings.Join(targets, ",")+`],"message":"m"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for _, calls := range []int{20, 50} {
		for len(d.calls(t)) < calls {
			look(ctx, t)
		}
		for _, s := range senders {
			s.Signal(t, syscall.SIGSTOP)
		}
		for stopped := time.Now(); time.Since(stopped) < 700*time.Millisecond; {
			look(ctx, t)
		}
		for _, s := range senders {
			s.Signal(t, syscall.SIGCONT)
		}
	}
	deliveries := d.endedWithin(t, id, time.Minute)
	allSent(t, deliveries)
	calls := times(d.calls(t), "")
	keptAt20(t, deliveries, calls)
	took := calls[len(calls)-1].Sub(calls[0])
	if floor := 99 * 50 * time.Millisecond; len(calls) != 100 || took > floor+4*time.Second {
		t.Errorf("%d calls in %s, the floor is %s and two stalls", len(calls), took, floor)
	}
}

// TestUrgentFirst floods one credential with what is low: what is critical goes
// within a second, and what is low is not lost.
func TestUrgentFirst(t *testing.T) {
	d, _ := paced(t, t.TempDir(), "--credential-limit=20/s", "--destination-limit=off")
	d.crowd(t, "u", "xoxb-one", 150)
	flood := d.send(t, `{"target":["@all"],"severity":"low","message":"flood"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for len(d.calls(t)) < 20 {
		look(ctx, t)
	}
	var deliveries []*alertv1.Delivery
	for n := range 3 {
		before := time.Now()
		id := d.send(t, fmt.Sprintf(`{"target":["@u%d"],"severity":"critical","message":"urgent"}`, n)).ID
		deliveries = append(deliveries, d.ended(t, id)...)
		if took := time.Since(before); took > time.Second {
			t.Errorf("what is critical took %s", took)
		}
	}
	deliveries = append(deliveries, d.endedWithin(t, flood, time.Minute)...)
	allSent(t, deliveries)
	calls := times(d.calls(t), "")
	keptAt20(t, deliveries, calls)
	if len(calls) != 153 {
		t.Errorf("%d calls", len(calls))
	}
}

// TestBreaker lets the calls under one credential fail: they stop for a while, no
// delivery is lost, and another credential goes on.
func TestBreaker(t *testing.T) {
	d, p := paced(t, t.TempDir(), "--credential-limit=off", "--destination-limit=off")
	d.crowd(t, "bad", "xoxb-bad", 30)
	d.crowd(t, "good", "xoxb-good", 1)
	d.fault(t, &mockupv1.Fault{Status: 500, BodyContains: "Cbad"})
	targets := make([]string, 30)
	for i := range targets {
		targets[i] = fmt.Sprintf(`"@bad%d"`, i)
	}
	id := d.send(t, `{"target":[`+strings.Join(targets, ",")+`],"message":"m"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for !strings.Contains(p.Said(), `"to":"open"`) {
		look(ctx, t)
	}
	// While it is open, nothing is called under the one, and the other goes on.
	opened := time.Now()
	for time.Since(opened) < 2*time.Second {
		before := time.Now()
		allSent(t, d.ended(t, d.send(t, `{"target":["@good0"],"message":"n"}`).ID))
		if took := time.Since(before); took > time.Second {
			t.Errorf("the neighbour took %s", took)
		}
	}
	for _, at := range times(d.calls(t), "Cbad") {
		if after := at.Sub(opened); after > 500*time.Millisecond && after < 2*time.Second {
			t.Errorf("a call %s after the breaker opened", after)
		}
	}
	_, page := ask(t, http.MethodGet, d.sender+"/metrics", "")
	if !strings.Contains(page, `bongsu_sender_breakers_open{messenger="slack"} 1`) {
		t.Errorf("the metrics do not show the open breaker:\n%s", page)
	}
	d.reset(t)
	allSent(t, d.endedWithin(t, id, time.Minute))
}

// TestPoisonedCredential lets the calls to one of twenty recipients under one
// credential fail, more than a tenth of all: the others are told as if nothing were.
func TestPoisonedCredential(t *testing.T) {
	d, p := paced(t, t.TempDir(), "--credential-limit=off", "--destination-limit=off")
	d.crowd(t, "u", "xoxb-one", 20)
	d.fault(t, &mockupv1.Fault{Status: 500, BodyContains: "Cu7."})
	for n := range 20 {
		d.send(t, fmt.Sprintf(`{"target":["@u7"],"message":"poison %d"}`, n))
	}
	for n := range 5 {
		id := d.send(t, fmt.Sprintf(`{"target":["@all"],"message":"m%d"}`, n)).ID
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		before := time.Now()
		for d.get(t, id).GetAlert().GetDeliveryCounts().GetSent() < 19 {
			look(ctx, t)
		}
		cancel()
		if took := time.Since(before); took > time.Second {
			t.Errorf("the neighbours took %s", took)
		}
	}
	// It may open while it is the only one, before the others come: then they close it.
	if all, bad := len(times(d.calls(t), "")), len(times(d.calls(t), "Cu7.")); bad*10 < all {
		t.Errorf("only %d of %d calls failed:\n%s", bad, all, p.Said())
	}
}

// TestRefusedCredential lets the provider refuse a credential: its deliveries fail
// at once, with evidence, and hardly a call; the operator is told once; others go
// on; and what failed can be replayed.
func TestRefusedCredential(t *testing.T) {
	d, p := paced(t, t.TempDir(), "--credential-limit=10/s", "--destination-limit=off")
	d.crowd(t, "bad", "xoxb-bad", 40)
	d.crowd(t, "good", "xoxb-good", 1)
	d.fault(t, &mockupv1.Fault{Status: 200, Body: `{"ok":false,"error":"account_inactive"}`, BodyContains: "Cbad"})
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
	calls := 0
	for _, delivery := range d.ended(t, id) {
		if delivery.GetNickName() == "good0" {
			allSent(t, []*alertv1.Delivery{delivery})
			continue
		}
		last := delivery.GetAttempts()[len(delivery.GetAttempts())-1].GetOutcome()
		if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_FAILED || delivery.GetReason() != "account_inactive" || last.GetProviderCode() != "account_inactive" {
			t.Errorf("%v", delivery)
		}
		if !strings.HasPrefix(last.GetExcerpt(), "not called: ") {
			calls++
		}
	}
	seen := len(times(d.calls(t), "Cbad"))
	t.Logf("the provider saw %d calls", seen)
	if seen != calls || seen > 5 || seen == 0 {
		t.Errorf("the provider saw %d calls, the ledger says %d", seen, calls)
	}
	if told := strings.Count(p.Said(), "a provider refuses a credential"); told != 1 {
		t.Errorf("the operator was told %d times", told)
	}
	if strings.Contains(p.Said(), "xoxb") {
		t.Error("the log holds a token")
	}
	status, answer := ask(t, http.MethodPost, d.edge+"/v1/deliveries:replay", `{"filter":{"reason":"account_inactive"},"dryRun":true}`)
	if status != http.StatusOK || answer != `{"replayedCount":40}` {
		t.Errorf("%d %s", status, answer)
	}
}

// TestListPaces pauses a credential: it is listed with what waits under it, since
// when, and why, and its token nowhere.
func TestListPaces(t *testing.T) {
	everywhere(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}, BodyContains: "USER2_CHANNEL_ID"})
		first := d.send(t, `{"target":["@user2"],"message":"m"}`).ID
		d.tried(t, first, 1)
		d.send(t, `{"target":["@user2"],"message":"m"}`)
		allSent(t, d.ended(t, d.send(t, `{"target":["@user7"],"message":"m"}`).ID))
		messengers := messengerv1connect.NewMessengerServiceClient(http.DefaultClient, d.edge)
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		defer cancel()
		for {
			res, err := messengers.ListPaces(ctx, &messengerv1.ListPacesRequest{})
			must(t, err)
			if strings.Contains(res.String(), "TOKEN") {
				t.Fatalf("a token is shown: %s", res)
			}
			i := slices.IndexFunc(res.GetPaces(), func(p *messengerv1.Pace) bool {
				return strings.HasPrefix(p.GetKey(), "slack.credential.") && p.GetQueuedCount() == 2 && p.GetDueCount() == 0
			})
			if i < 0 {
				look(ctx, t)
				continue
			}
			p := res.GetPaces()[i]
			created := d.get(t, first).GetAlert().GetCreateTime().AsTime()
			if left := time.Until(p.GetPausedUntilTime().AsTime()); left < 59*time.Minute || p.GetPauseCode() != "http_429" || !p.GetOldestCreateTime().AsTime().Equal(created) {
				t.Errorf("it is shown as %s", p)
			}
			if _, page := ask(t, http.MethodGet, d.alert+"/metrics", ""); !strings.Contains(page, `bongsu_alert_paused_keys{messenger="slack"} 1`) {
				t.Errorf("the metrics do not show the pause:\n%s", page)
			}
			return
		}
	})
}

// TestCredentialRightAgain lets a refused credential become right: while it is left
// alone, what is replayed fails again without a call; after that one delivery tries it,
// and all that are replayed then are sent.
func TestCredentialRightAgain(t *testing.T) {
	const leftAlone = 3 * time.Second
	d, p := paced(t, t.TempDir(), "--credential-limit=10/s", "--destination-limit=off", "--refusal-time="+leftAlone.String())
	d.crowd(t, "u", "xoxb-one", 20)
	d.fault(t, &mockupv1.Fault{Status: 200, Body: `{"ok":false,"error":"token_expired"}`})
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
	refused := time.Now()
	d.ended(t, id)
	before := len(d.calls(t))
	d.reset(t) // calls and fault
	replay := func() {
		t.Helper()
		if status, answer := ask(t, http.MethodPost, d.edge+"/v1/deliveries:replay", `{"filter":{"reason":"token_expired"}}`); status != http.StatusOK || answer != `{"replayedCount":20}` {
			t.Fatalf("%d %s", status, answer)
		}
	}
	replay()
	for _, delivery := range d.ended(t, id) {
		last := delivery.GetAttempts()[len(delivery.GetAttempts())-1].GetOutcome()
		if delivery.GetReason() != "token_expired" || !strings.HasPrefix(last.GetExcerpt(), "not called: ") {
			t.Errorf("while it is left alone: %v", delivery)
		}
	}
	if calls := len(d.calls(t)); calls != 0 {
		t.Errorf("%d calls while it is left alone", calls)
	}
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for time.Since(refused) < leftAlone+time.Second {
		look(ctx, t)
	}
	replay()
	allSent(t, d.ended(t, id))
	if calls := len(d.calls(t)); calls != 20 || before > 5 {
		t.Errorf("%d calls when it was right, %d when it was refused", calls, before)
	}
	if !strings.Contains(p.Said(), "a provider takes a credential again that it had refused") {
		t.Error("the operator is not told that it is right again")
	}
}

// showsPause sees the only pause there is in the list of paces, and no token.
func (d deployment) showsPause(t *testing.T, code string, wait time.Duration) {
	t.Helper()
	_, answer := ask(t, http.MethodGet, d.edge+"/v1/paces?messenger=slack", "")
	var shown struct {
		Paces []struct {
			Key             string
			LimitPerSecond  float64
			PausedUntilTime time.Time
			PauseCode       string
		}
	}
	must(t, json.Unmarshal([]byte(answer), &shown))
	paused := 0
	for _, p := range shown.Paces {
		if !p.PausedUntilTime.IsZero() {
			paused++
			if left := time.Until(p.PausedUntilTime); left > wait || left < wait-time.Minute || p.PauseCode != code ||
				p.LimitPerSecond != 10 || !strings.HasPrefix(p.Key, "slack.credential.") {
				t.Errorf("%+v", p)
			}
		}
	}
	if paused != 1 || strings.Contains(answer, "xoxb") {
		t.Errorf("the paces are shown as %s", answer)
	}
}

// hourForAll asks one delivery to wait an hour: all under its credential do, even after
// a restart, and no call is made.
func hourForAll(t *testing.T) {
	data := t.TempDir()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]
	args := []string{"--data=" + data, "--edge-addr=127.0.0.1:0", "--provider-url=" + mockup, "--credential-limit=10/s", "--destination-limit="}
	first := binaries.Serve(t, args...)
	d := deployment{edge: first.URLs(t, 1)["edge"], mockup: mockup}
	d.crowd(t, "one", "xoxb-one", 3)
	d.crowd(t, "other", "xoxb-other", 1)
	d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}, BodyContains: "Cone0"})
	d.tried(t, d.send(t, `{"target":["@one0"],"message":"m"}`).ID, 1)
	waits := func(nickname string) {
		t.Helper()
		id := d.send(t, `{"target":["@`+nickname+`"],"message":"m"}`).ID
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		defer cancel()
		for d.get(t, id).GetDeliveries()[0].GetNextAttemptTime() == nil || time.Until(d.get(t, id).GetDeliveries()[0].GetNextAttemptTime().AsTime()) < 59*time.Minute {
			if attempts := d.get(t, id).GetDeliveries()[0].GetAttempts(); len(attempts) > 0 {
				t.Fatalf("%v", attempts)
			}
			look(ctx, t)
		}
	}
	waits("one1")
	d.showsPause(t, "http_429", time.Hour)
	first.Kill()
	d.edge = binaries.Serve(t, args...).URLs(t, 1)["edge"]
	waits("one2")
	allSent(t, d.ended(t, d.send(t, `{"target":["@other0"],"message":"m"}`).ID))
	if calls := times(d.calls(t), "Cone"); len(calls) != 1 {
		t.Errorf("%d calls under the paused credential", len(calls))
	}
}
