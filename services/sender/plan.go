package sender

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/pace"
)

const (
	// bound is how long a claimed delivery waits for its slot. Deliveries that must wait
	// longer are deferred.
	bound = 2 * time.Second
	// lead is how long before its slot a deferred delivery is enqueued again.
	lead = 1500 * time.Millisecond
	// probeTime is the timeout of a sender's probe of a credential.
	probeTime = 15 * time.Second
	// askedAtOnce is the maximum number of concurrent requests for limiter keys.
	askedAtOnce = 16
)

// A plan holds the tasks to claim and the tasks to defer.
type plan struct {
	soon  []*task  // to be claimed
	later []result // to be deferred
}

// plan determines when the deliveries of jobs may be sent, and reserves their slots.
// After an error nothing may be sent.
func (l *lane) plan(ctx context.Context, tasks []*task) (plan, error) {
	var p plan
	if err := l.know(ctx, tasks); err != nil {
		return plan{}, err
	}
	tasks, err := l.withoutCopies(ctx, tasks)
	if err != nil {
		return plan{}, err
	}
	tasks, err = l.allow(ctx, tasks, &p)
	if err != nil {
		return plan{}, err
	}
	if tasks, err = l.reserveBoth(ctx, tasks, &p); err != nil {
		return plan{}, err
	}
	p.soon = append(p.soon, tasks...)
	return p, nil
}

// reserveBoth reserves a destination slot and a credential slot for tasks without them,
// and returns the tasks that may be sent soon. The destination comes first: tasks that
// must wait for it reserve no slot of the credential.
func (l *lane) reserveBoth(ctx context.Context, tasks []*task, p *plan) (soon []*task, err error) {
	for _, which := range []func(*task) *paced{
		func(t *task) *paced { return &t.destination },
		func(t *task) *paced { return &t.credential },
	} {
		if tasks, err = l.reserve(ctx, tasks, which, p); err != nil {
			return nil, err
		}
	}
	return tasks, nil
}

// tasks returns the in-flight messages of taken jobs and the tasks in them.
func (l *lane) tasks(taken []job.Taken) (hands []*hand, tasks []*task) {
	now := l.Now()
	seen := map[int64]bool{} // a redelivery may be in the same batch
	for i := range taken {
		h := &hand{Taken: taken[i]}
		hands = append(hands, h)
		for k := range h.Jobs {
			j := &h.Jobs[k]
			for _, d := range j.Deliveries {
				if seen[d.ID] {
					continue
				}
				seen[d.ID] = true
				t := &task{hand: h, job: j, delivery: d, taken: now}
				l.identify(t)
				t.readSlots()
				tasks = append(tasks, t)
			}
		}
	}
	return hands, tasks
}

// know loads the limiter state of all keys of the tasks.
func (l *lane) know(ctx context.Context, tasks []*task) error {
	keys := map[string]pace.Key{}
	for _, t := range tasks {
		for _, key := range []pace.Key{t.credential.Key, t.destination.Key} {
			if key.ID != "" && !l.Pace.Knows(key) {
				keys[key.ID] = key
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askedAtOnce)
	for _, key := range keys {
		g.Go(func() error { return l.Pace.Know(ctx, key) })
	}
	return g.Wait()
}

// allow returns the tasks whose credential may be called. The others are deferred, or
// fail without a call if their credential was just refused.
func (l *lane) allow(ctx context.Context, tasks []*task, p *plan) (allowed []*task, err error) {
	now := l.Now()
	for _, t := range tasks {
		key := t.credential.Key
		if key.ID == "" {
			p.soon = append(p.soon, t) // it fails because its credential cannot be opened
			continue
		}
		status := l.Pace.View(key).Status()
		open := l.breakers.of(key.ID).waitOf(t.delivery.Destination)
		switch {
		case !status.RefusedUntil.IsZero():
			t.refused = status.Code
			p.soon = append(p.soon, t)
		case status.Code != "":
			mine, err := l.Pace.Probe(ctx, key, now.Add(probeTime))
			if err != nil {
				return nil, err
			}
			if mine {
				allowed = append(allowed, t)
			} else {
				p.later = append(p.later, l.put(t, now.Add(time.Second), becauseProbe))
			}
		case open > 0:
			p.later = append(p.later, l.put(t, now.Add(open+rand.N(probeWait)), becauseBreaker)) //nolint:gosec // spreads load
		default:
			allowed = append(allowed, t)
		}
	}
	return allowed, nil
}

// reserve reserves a slot under a key for tasks without one, and returns the tasks whose
// slot comes up soon.
func (l *lane) reserve(ctx context.Context, tasks []*task, which func(*task) *paced, p *plan) ([]*task, error) {
	type line struct {
		key    string
		urgent bool
	}
	wanting := map[line][]*task{}
	for _, t := range tasks {
		one := which(t)
		if l.lacks(t, one) {
			at := line{one.ID, t.urgent() || l.Pace.View(one.Key).Missed(one.slot, time.Time{})} // it has waited already
			one.slot = pace.Slot{}
			wanting[at] = append(wanting[at], t)
		}
	}
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(askedAtOnce)
	for at, some := range wanting {
		g.Go(func() error {
			slots, err := l.Pace.Reserve(asking, which(some[0]).Key, len(some), at.urgent)
			for i, s := range slots {
				which(some[i]).slot = s
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	now := l.Now()
	soon := make([]*task, 0, len(tasks))
	for _, t := range tasks {
		one := which(t)
		if one.limited() && one.slot.None() {
			p.later = append(p.later, l.put(t, l.Pace.Horizon().Add(rand.N(time.Minute)), becausePace)) //nolint:gosec // spreads load
		} else if at, why := l.turn(t).when(now); at.After(now.Add(bound)) {
			p.later = append(p.later, l.put(t, at.Add(-lead), why))
		} else {
			soon = append(soon, t)
		}
	}
	return soon, nil
}

// lacks reports whether a task must reserve a slot: it has none, or none that can be
// used.
func (l *lane) lacks(t *task, one *paced) bool {
	if !one.limited() || one.slot.None() {
		return one.limited()
	}
	view := l.Pace.View(one.Key)
	_, holds := view.When(one.slot)
	return !holds || view.Missed(one.slot, l.turn(t).last())
}

// refusal returns the outcome of a delivery that fails without a call.
func refusal(code string) messenger.Outcome {
	return messenger.Outcome{
		Kind:  messenger.Failed,
		Scope: messenger.CredentialScope,
		Code:  code,
		Excerpt: "not called: the provider refused this credential shortly before, with this code; " +
			"correct the credential and replay the delivery",
	}
}
