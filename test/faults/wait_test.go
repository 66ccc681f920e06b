package faults

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/judge"
)

const (
	// prompt is how long a delivery may take without an obstacle, or after its end.
	prompt = 3 * time.Second
	// recovery is the additional time after a kill: deliveries of a dead sender wait
	// for the end of their lease.
	recovery = lease + time.Second
	// notice is the additional time at any point after JetStream lost its files: a
	// broker seems healthy until an enqueue, which times out after 3 s, and a second
	// one, to confirm, after one more.
	notice = 5 * time.Second
	// firstRetry bounds the backoff of the first retry; it doubles with each further
	// one.
	firstRetry = time.Second
	// perToken is the interval of calls under one credential at the default rate limit.
	perToken = time.Second / 10
)

// A span is a time interval.
type span struct{ start, end time.Time }

// recordFault runs a fault event and records its time: deliveries that are open during it
// may wait.
func (s *system) recordFault(do func()) {
	start := time.Now()
	do()
	s.faultTimes = append(s.faultTimes, span{start, time.Now()})
}

// A waitReasons holds the reasons why deliveries were not sent at once.
type waitReasons struct {
	faultTimes []span
	wiped      time.Time                // when JetStream lost its files; zero if it has not
	tokens     map[string]string        // by destination
	routes     map[string]judge.Route   // by destination
	tries      map[string][]attemptSpan // by credential, ordered by their ends
	lives      map[string][]span        // of deliveries, by destination and by credential
}

// pauseAsked is the Retry-After of a fake that returns 429.
const pauseAsked = time.Second

// waits collects the reasons for waiting. A 429 of the fakes counts even without an
// attempt in the ledger: its sender may have published the pause, and been killed
// before its report.
func (s *system) waits(all []*alertv1.GetAlertResponse, seen map[judge.CallKey][]*mockupv1.Call) waitReasons {
	w := waitReasons{faultTimes: s.faultTimes, wiped: s.wiped, tokens: tokens(), routes: routesTo(), tries: map[string][]attemptSpan{}, lives: map[string][]span{}}
	for _, a := range all {
		for _, d := range a.GetDeliveries() {
			token, life := w.tokens[d.GetDestination()], span{a.GetAlert().GetCreateTime().AsTime(), d.GetEndTime().AsTime()}
			w.lives[token] = append(w.lives[token], life)
			w.lives[d.GetDestination()] = append(w.lives[d.GetDestination()], life)
			for _, attempt := range d.GetAttempts() {
				if judge.LeaseExpired(attempt) {
					continue // possibly without a call
				}
				w.tries[token] = append(w.tries[token], tryOf(d, attempt))
			}
		}
	}
	for _, tries := range w.tries {
		slices.SortFunc(tries, func(a, b attemptSpan) int { return a.end.Compare(b.end) })
		markOpening(tries)
	}
	for key, calls := range seen {
		for _, call := range calls {
			if at := call.GetTime().AsTime(); call.GetAnswerStatus() == http.StatusTooManyRequests {
				token := w.tokens[key.Destination]
				w.tries[token] = append(w.tries[token], attemptSpan{span: span{at, at}, channel: key.Destination, pause: pauseAsked})
			}
		}
	}
	return w
}

// unexplained returns how long a delivery waited, except for times that are explained
// by events of it or of others under its credential: fault events, its own retries,
// pauses, a breaker that may have opened, and earlier slots of others.
func (w waitReasons) unexplained(created time.Time, d *alertv1.Delivery) time.Duration {
	life := span{created, d.GetEndTime().AsTime()}
	from, unused := created, time.Duration(0)
	for _, b := range w.faultTimes { // the last one counts, which may undo the effects of earlier ones
		if b.start.Before(life.end) && b.end.Add(recovery).After(created) {
			unused += w.slotTime(d.GetDestination(), b)
			from = b.end.Add(recovery + unused)
		}
	}
	life.start = from
	var held []span
	retries := 0
	for _, attempt := range d.GetAttempts() {
		if start, end := attempt.GetStartTime().AsTime(), attempt.GetEndTime().AsTime(); failed(attempt) {
			held = append(held, span{start, end.Add(firstRetry << retries)})
			retries++
		}
	}
	for _, one := range w.tries[w.tokens[d.GetDestination()]] {
		held = append(held, span{one.start, one.end.Add(one.pause)}, span{one.start, one.start.Add(perToken)})
		if interval := w.interval(one.channel, one.end); one.channel == d.GetDestination() {
			held = append(held, span{one.start, one.start.Add(interval)})
			if one.pause > 0 {
				held = append(held, span{one.end, one.end.Add(one.pause + interval)})
			}
		}
		if one.opens {
			held = append(held, span{one.start, one.end.Add(breakerOpen + w.slotTime(d.GetDestination(), one.span))})
		}
	}
	return uncovered(life, held)
}

// slotTime returns the duration of all slots for a destination, or for its credential,
// during some time. A reserved slot that was not used stays empty: because its sender
// was killed, its breaker opened, or its job was a redelivery.
func (w waitReasons) slotTime(channel string, during span) time.Duration {
	ofChannel, ofToken := open(w.lives[channel], during), open(w.lives[w.tokens[channel]], during)
	return max(time.Duration(ofChannel)*w.interval(channel, during.end), time.Duration(ofToken)*perToken)
}

// interval returns the interval of calls to a destination, at some time.
func (w waitReasons) interval(channel string, at time.Time) time.Duration {
	return intervalOf(w.routes[channel], slices.ContainsFunc(w.tries[w.tokens[channel]], func(one attemptSpan) bool {
		return one.pause > 0 && !one.end.After(at)
	}))
}

// open returns the number of lives that overlap a span.
func open(lives []span, during span) (count int) {
	for _, one := range lives {
		if one.start.Before(during.end) && one.end.After(during.start) {
			count++
		}
	}
	return count
}

// uncovered returns how much of a span no other covers.
func uncovered(whole span, by []span) (left time.Duration) {
	slices.SortFunc(by, func(a, b span) int { return a.start.Compare(b.start) })
	at := whole.start // up to here it is checked
	for _, one := range by {
		if one.start.After(whole.end) {
			break
		}
		left += max(0, one.start.Sub(at))
		if one.end.After(at) {
			at = one.end
		}
	}
	return left + max(0, whole.end.Sub(at))
}

// judgeWait counts a delivery that waited without a reason except another's failure.
func (r *caseResult) judgeWait(t testing.TB, w waitReasons, created time.Time, d *alertv1.Delivery) {
	t.Helper()
	// A missed slot is lost.
	most := max(prompt, w.interval(d.GetDestination(), d.GetEndTime().AsTime())+firstRetry)
	if !w.wiped.IsZero() && d.GetEndTime().AsTime().After(w.wiped) {
		most += notice
	}
	if over := w.unexplained(created, d); over > most {
		r.waited++
		t.Errorf("waited %s without a reason: created %s, %v", over, created, d)
	}
}

// TestJudgeWaits checks which reasons excuse a wait.
func TestJudgeWaits(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	call := func(from, until float64) span { return span{at(from), at(until)} }
	alone := users
	for routeOf(alone).Messenger != routes[0].Messenger {
		alone--
	}
	lone, member := channel(alone), channel(1)
	for _, c := range []struct {
		name       string
		channel    string
		faultTimes []span
		tries      map[string][]attemptSpan
		want       time.Duration
	}{
		{"nothing happened", lone, nil, nil, 8 * time.Second},
		{"another credential was paused", lone, nil, map[string][]attemptSpan{token(1): {{span: call(0, 0), pause: time.Minute}}}, 8 * time.Second},
		{"its credential was paused", member, nil, map[string][]attemptSpan{token(1): {{span: call(1, 2), pause: 3 * time.Second}}}, 4 * time.Second},
		{"one call under its credential failed", member, nil, map[string][]attemptSpan{token(1): {{span: call(1, 1), failed: true}}}, 7900 * time.Millisecond},
		{"a breaker may have opened", member, nil, map[string][]attemptSpan{token(1): {{span: call(1, 1), opens: true}}}, 4 * time.Second},
		{"its destination was used", lone, nil, map[string][]attemptSpan{token(alone): {{span: call(1, 1), channel: lone}, {span: call(4, 4), channel: lone}}}, 6 * time.Second},
		{"a fault event", lone, []span{call(1, 2)}, nil, 2 * time.Second},
		{"a fault event long before", lone, []span{call(-9, -8)}, nil, 8 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := waitReasons{faultTimes: c.faultTimes, tokens: tokens(), routes: routesTo(), tries: c.tries}
			d := &alertv1.Delivery{Destination: c.channel, EndTime: timestamppb.New(at(8))}
			if got := w.unexplained(start, d); got != c.want {
				t.Errorf("%s is unexplained, want %s", got, c.want)
			}
		})
	}
}
