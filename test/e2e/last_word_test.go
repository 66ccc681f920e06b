package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// A keyStep is an alert of a thing, the number of which is part of its message.
type keyStep struct {
	severity string
	status   alertv1.AlertStatus
}

// Short names of the statuses of steps.
const (
	firing       = alertv1.AlertStatus_ALERT_STATUS_FIRING
	acknowledged = alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED
	resolved     = alertv1.AlertStatus_ALERT_STATUS_RESOLVED
)

// randomSteps returns the steps of a thing: it fires, may change, get worse, be acknowledged,
// and be resolved and reopened. Half of the things are resolved at the end.
func randomSteps(random *rand.Rand) []keyStep {
	steps := []keyStep{{"low", firing}}
	for range random.IntN(5) {
		last := steps[len(steps)-1]
		next := []keyStep{{last.severity, firing}, {"critical", firing}, {last.severity, acknowledged}, {"normal", resolved}}[random.IntN(4)]
		if last.status == resolved { // what is resolved can only be reopened
			next = keyStep{"high", firing}
		}
		steps = append(steps, next)
	}
	if last := steps[len(steps)-1]; last.status != resolved && random.IntN(2) == 0 {
		steps = append(steps, keyStep{last.severity, resolved})
	}
	return steps
}

// everywhere creates a user with an address of each messenger, also of the inbox. Users have
// different credentials, because the limits of some providers hold for each of them.
func (d deployment) everywhere(t *testing.T, number int, except ...string) (name string) {
	t.Helper()
	user := &userv1.CreateUserRequest{NickName: fmt.Sprintf("kim%d", number), Addresses: []*userv1.NewAddress{{Messenger: "inbox"}}}
	for _, m := range everyMessenger {
		if slices.Contains(except, m.messenger) {
			continue
		}
		credential := m.credential
		if m.messenger != "ncpsens" { // the fake compares its keys
			credential = strings.ReplaceAll(credential, "secret", fmt.Sprintf("s%05d", number)) // as long
		}
		user.Addresses = append(user.Addresses, &userv1.NewAddress{Messenger: m.messenger, Credential: credential, Destination: m.destination})
	}
	_, err := userv1connect.NewUserServiceClient(http.DefaultClient, d.edge).CreateUser(t.Context(), user)
	must(t, err)
	return user.GetNickName()
}

// randomFault returns a failure of a messenger that does not last.
func randomFault(random *rand.Rand, messenger string) *mockupv1.Fault {
	f := &mockupv1.Fault{Share: 0.1 + 0.3*random.Float64()}
	busy, unavailable := int32(http.StatusTooManyRequests), []int32{500, 502, 503, 504}[random.IntN(4)]
	if messenger == "email" { // codes of SMTP
		busy, unavailable = 451, 451 // SMTP has no Retry-After
	}
	kinds := 6
	if slices.Contains([]string{"ncpsens", "sns", "twilio"}, messenger) { // not retried if a message may have been sent: each costs money
		kinds = 3
	}
	switch random.IntN(kinds) {
	case 0:
		f.Delay = durationpb.New(time.Duration(random.IntN(400)) * time.Millisecond)
	case 1:
		f.Status = unavailable
	case 2:
		f.Share, f.Status, f.Headers = 0.02, busy, map[string]string{"Retry-After": "1"} // pauses the credential
	case 3:
		if messenger == "email" { // a relay that responds late delivers the mail, maybe after the next one
			break
		}
		f.Delay = durationpb.New(1500 * time.Millisecond) // more than the timeout
	case 4:
		f.CloseConnection = true
	case 5:
		f.CutAnswer = true
	}
	return f
}

// disturb sets random faults of each messenger, one for each last digit of a thing, and returns them.
func (d deployment) disturb(t *testing.T, random *rand.Rand) []*mockupv1.Fault {
	t.Helper()
	var all []*mockupv1.Fault
	for _, m := range everyMessenger {
		for digit := range 10 {
			f := randomFault(random, m.messenger)
			f.Credential, f.BodyContains = callMarks[m.messenger], fmt.Sprintf("%d. step", digit)
			switch m.messenger {
			case "sns", "twilio": // their bodies are forms
				f.BodyContains = fmt.Sprintf("%d.+step", digit)
			}
			d.fault(t, f)
			all = append(all, f)
		}
	}
	return all
}

// checkWords checks the words of one thing at one messenger: none comes before one of an earlier
// step, the first is a firing one, and the last that was accepted is the state of the thing. A thing that was
// resolved before a user was notified of it needs no word.
func checkWords(words []word, steps []keyStep) error {
	last := len(steps) - 1
	if len(words) == 0 {
		if steps[last].status != resolved {
			return fmt.Errorf("no word about a thing that is %v", steps[last].status)
		}
		return nil
	}
	if words[0].status != firing {
		return fmt.Errorf("the first word is %v", words[0])
	}
	for i, w := range words {
		if w.status != steps[w.step].status || i > 0 && w.step < words[i-1].step {
			return fmt.Errorf("wrong or out of order: %v", w)
		}
	}
	words = slices.DeleteFunc(slices.Clone(words), func(w word) bool { return w.unanswered })
	if len(words) == 0 && steps[last].status == resolved {
		return nil
	}
	if len(words) == 0 {
		return errors.New("no word was accepted")
	}
	if end := words[len(words)-1]; end.status != steps[last].status || end.step != last && end.status != resolved {
		return fmt.Errorf("the last word is %v", end)
	}
	return nil
}

// shownStatus returns the status that users of a messenger see after steps. An incident of PagerDuty
// stays acknowledged when it changes.
func shownStatus(messenger string, steps []keyStep) alertv1.AlertStatus {
	last := steps[len(steps)-1].status
	for _, s := range slices.Backward(steps) {
		if s.status == resolved || messenger != "pagerduty" {
			return last
		}
		if s.status == acknowledged {
			return acknowledged
		}
	}
	return last
}

// sendSteps sends the steps of all things, those of a thing in their order, and returns the ids.
func (d deployment) sendSteps(t *testing.T, random *rand.Rand, things [][]keyStep) []string {
	t.Helper()
	var ids []string
	next := make([]int, len(things))
	open := random.Perm(len(things))
	for len(open) > 0 {
		i := random.IntN(len(open))
		thing := open[i]
		for again := true; again; again = next[thing] < len(things[thing]) && random.IntN(3) == 0 { // some follow at once
			s := things[thing][next[thing]]
			res, err := d.alerts().SendAlert(t.Context(), &alertv1.SendAlertRequest{
				Target: []string{fmt.Sprintf("@kim%d", thing)}, Severity: s.severity, Status: s.status, Key: fmt.Sprintf("thing %d", thing),
				Message: fmt.Sprintf("thing-%03d. step %d", thing, next[thing]),
			})
			must(t, err)
			ids = append(ids, res.GetId())
			next[thing]++
		}
		if next[thing] == len(things[thing]) {
			open = slices.Delete(open, i, i+1)
		}
	}
	return ids
}

// requireCompleted waits until the deliveries of each alert are completed: sent, or not for a reason
// of the life of its thing.
func (d deployment) requireCompleted(t *testing.T, ids []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reasons := map[string]int{}
	for _, id := range ids {
		for _, delivery := range d.completed(ctx, t, id) {
			reason := cmp.Or(delivery.GetReason(), strings.ToLower(strings.TrimPrefix(delivery.GetState().String(), "DELIVERY_STATE_")))
			reasons[reason]++
			if !slices.Contains([]string{"sent", "superseded", "not_needed"}, reason) {
				t.Errorf("%v", delivery)
			}
		}
	}
	t.Logf("%d alerts, deliveries %v", len(ids), reasons)
}

// completed waits until the deliveries of an alert are completed, and returns them. At the end of ctx
// it fails with those that are not.
func (d deployment) completed(ctx context.Context, t *testing.T, id string) []*alertv1.Delivery {
	t.Helper()
	for {
		res, err := d.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
		must(t, err)
		if counts := res.GetAlert().GetDeliveryCounts(); counts.GetQueued()+counts.GetHeld() == 0 {
			return res.GetDeliveries()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			for _, delivery := range res.GetDeliveries() {
				if delivery.GetEndTime() == nil {
					t.Errorf("not completed: %v", delivery)
				}
			}
			t.FailNow()
		}
	}
}

// requireKnownKeys checks that PagerDuty received no acknowledge and no resolve of an incident before
// its trigger: one with an unknown dedup_key is accepted and dropped there. Where the response to the
// trigger was lost, only the provider knows whether it has the incident.
func (d deployment) requireKnownKeys(t *testing.T) {
	t.Helper()
	count, uncertain := 0, map[string]bool{} // dedup_keys whose trigger may have been received
	for _, c := range d.calls(t) {
		if messengerOf(c) != "pagerduty" {
			continue
		}
		var event struct {
			Action string `json:"event_action"`
			Key    string `json:"dedup_key"`
		}
		must(t, json.Unmarshal([]byte(c.GetBody()), &event))
		switch {
		case event.Action == "trigger":
			uncertain[event.Key] = uncertain[event.Key] || c.GetAnswerStatus() == 0
		case c.GetAnswerHeaders()["Mockup-Unknown-Key"] != "" && !uncertain[event.Key]:
			t.Errorf("an event with an unknown dedup_key: %v", c)
		default:
			count++
		}
	}
	if count == 0 {
		t.Error("no acknowledge and no resolve arrived at PagerDuty")
	}
}

// TestLastWordIsTheState lets things fire, change, and be acknowledged, resolved and reopened, while
// the provider of each messenger is slow, busy, unavailable, or closes connections: the last word about
// each thing is its state at each of them, and no resolution comes before its firing.
func TestLastWordIsTheState(t *testing.T) {
	suite := func(t *testing.T, d deployment) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		things := make([][]keyStep, testenv.Pick(30, 200))
		for i := range things {
			things[i] = randomSteps(random)
		}
		var users []string
		for i := range things {
			users = append(users, d.everywhere(t, i))
		}
		faults := d.disturb(t, random)
		ids := d.sendSteps(t, random, things)
		for _, f := range faults { // replaced by none
			d.fault(t, &mockupv1.Fault{Path: f.GetPath(), BodyContains: f.GetBodyContains(), Credential: f.GetCredential()})
		}
		d.requireCompleted(t, ids)
		d.requireKnownKeys(t)

		words, shown, failed := d.words(t), d.shownWords(t), 0
		words["inbox"] = map[int][]word{}
		for _, user := range users {
			for _, item := range d.inboxItems(t, user) {
				w, _ := wordOf(item.Text)
				words["inbox"][w.thing] = append(words["inbox"][w.thing], w)
			}
		}
		for _, m := range everyMessenger {
			for i, steps := range things {
				if err := checkWords(words[m.messenger][i], steps); err != nil {
					t.Errorf("%s, thing %d: %v; words %v of steps %v", m.messenger, i, err, words[m.messenger][i], steps)
				}
				if w, ok := shown[m.messenger][i]; ok && w.status != shownStatus(m.messenger, steps) {
					t.Errorf("%s, thing %d: shown as %v; words %v of steps %v", m.messenger, i, w, words[m.messenger][i], steps)
				}
			}
		}
		for i, steps := range things {
			if got := words["inbox"][i]; len(got) > 1 || len(got) == 1 && got[0].status != steps[len(steps)-1].status || len(got) == 0 && steps[len(steps)-1].status != resolved {
				t.Errorf("inbox, thing %d: %v of steps %v", i, got, steps)
			}
		}
		for _, c := range d.calls(t) {
			if c.GetAnswerStatus()/100 != 2 || strings.Contains(c.GetAnswerBody(), `"ok":false`) {
				failed++
			}
		}
		t.Logf("%d of %d calls failed", failed, len(d.calls(t)))
		if failed == 0 {
			t.Error("no call failed: nothing was tested")
		}
	}
	const timeout = "--provider-timeout=1s"
	t.Run("one process", func(t *testing.T) { suite(t, oneProcess(t, timeout, "--breaker-percent=-1")) })
	t.Run("one process on PostgreSQL", func(t *testing.T) {
		suite(t, oneProcess(t, timeout, "--breaker-percent=-1", "--directory-url="+postgrestest.URL(t), "--ledger-url="+postgrestest.URL(t)))
	})
}
