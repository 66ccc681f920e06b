package sender

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

const (
	// claimHorizon is how long a claimed delivery waits for its slot. Deliveries that must wait
	// longer are deferred.
	claimHorizon = 2 * time.Second
	// enqueueLead is how long before its slot a deferred delivery is enqueued again.
	enqueueLead = 1500 * time.Millisecond
	// probeTimeout is the timeout of a sender's probe of a credential.
	probeTimeout = 15 * time.Second
	// maxConcurrentReserves is the maximum number of concurrent requests for limiter keys.
	maxConcurrentReserves = 16
)

// A plan holds the tasks to claim and the tasks to defer.
type plan struct {
	claim     []*task  // to be claimed
	deferrals []result // to be deferred
}

// plan determines when the deliveries of jobs may be sent, and reserves their slots.
// After an error nothing may be sent.
func (pl *pipeline) plan(ctx context.Context, tasks []*task) (plan, error) {
	var p plan
	if err := pl.loadKeys(ctx, tasks); err != nil {
		return plan{}, err
	}
	tasks, err := pl.dropRedeliveries(ctx, tasks)
	if err != nil {
		return plan{}, err
	}
	tasks, err = pl.withoutRefused(ctx, tasks, &p)
	if err != nil {
		return plan{}, err
	}
	if tasks, err = pl.reserveBoth(ctx, tasks, &p); err != nil {
		return plan{}, err
	}
	p.claim = append(p.claim, tasks...)
	return p, nil
}

// reserveBoth reserves a destination slot and a credential slot for tasks without them,
// and returns the tasks that may be sent soon. The destination comes first: tasks that
// must wait for it reserve no slot of the credential.
func (pl *pipeline) reserveBoth(ctx context.Context, tasks []*task, p *plan) (soon []*task, err error) {
	for _, which := range []func(*task) *limitedKey{
		func(t *task) *limitedKey { return &t.destination },
		func(t *task) *limitedKey { return &t.credential },
	} {
		if tasks, err = pl.reserve(ctx, tasks, which, p); err != nil {
			return nil, err
		}
	}
	return tasks, nil
}

// tasks returns the in-flight messages of taken jobs and the tasks in them.
func (pl *pipeline) tasks(taken []job.QueueMessage) (messages []*inFlightMessage, tasks []*task) {
	now := pl.Now()
	seen := map[int64]bool{} // a redelivery may be in the same batch
	for i := range taken {
		m := &inFlightMessage{QueueMessage: taken[i]}
		messages = append(messages, m)
		for k := range m.Jobs {
			j := &m.Jobs[k]
			for _, d := range j.Deliveries {
				if seen[d.ID] {
					continue
				}
				seen[d.ID] = true
				t := &task{message: m, job: j, delivery: d, taken: now}
				pl.setLimiterKeys(t)
				t.readSlots()
				tasks = append(tasks, t)
			}
		}
	}
	return messages, tasks
}

// loadKeys loads the limiter state of all keys of the tasks.
func (pl *pipeline) loadKeys(ctx context.Context, tasks []*task) error {
	keys := map[string]ratelimit.Key{}
	for _, t := range tasks {
		for _, key := range []ratelimit.Key{t.credential.Key, t.destination.Key} {
			if key.ID != "" && !pl.Limiter.IsLoaded(key) {
				keys[key.ID] = key
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxConcurrentReserves)
	for _, key := range keys {
		g.Go(func() error { return pl.Limiter.Load(ctx, key) })
	}
	return g.Wait()
}

// withoutRefused returns the tasks whose credential may be called. The others are deferred, or
// fail without a call if their credential was just refused.
func (pl *pipeline) withoutRefused(ctx context.Context, tasks []*task, p *plan) (allowed []*task, err error) {
	now := pl.Now()
	for _, t := range tasks {
		key := t.credential.Key
		if key.ID == "" {
			p.claim = append(p.claim, t) // it fails because its credential cannot be opened
			continue
		}
		status := pl.Limiter.View(key).Status()
		open := pl.breakers.forKey(key.ID).waitFor(t.delivery.Destination)
		switch {
		case !status.RefusedUntil.IsZero():
			t.refused = status.Code
			p.claim = append(p.claim, t)
		case status.Code != "":
			mine, err := pl.Limiter.AcquireProbe(ctx, key, now.Add(probeTimeout))
			if err != nil {
				return nil, err
			}
			if mine {
				allowed = append(allowed, t)
			} else {
				p.deferrals = append(p.deferrals, pl.deferTask(t, now.Add(time.Second), deferralProbe))
			}
		case open > 0:
			p.deferrals = append(p.deferrals, pl.deferTask(t, now.Add(open+rand.N(probeInterval)), deferralBreaker)) //nolint:gosec // spreads load
		default:
			allowed = append(allowed, t)
		}
	}
	return allowed, nil
}

// reserve reserves a slot under a key for tasks without one, and returns the tasks whose
// slot comes up soon.
func (pl *pipeline) reserve(ctx context.Context, tasks []*task, which func(*task) *limitedKey, p *plan) ([]*task, error) {
	type line struct {
		key    string
		urgent bool
	}
	wanting := map[line][]*task{}
	for _, t := range tasks {
		one := which(t)
		if pl.needsSlot(t, one) {
			at := line{one.ID, t.isUrgent() || pl.Limiter.View(one.Key).Missed(one.slot, time.Time{})} // it has waited already
			one.slot = ratelimit.Slot{}
			wanting[at] = append(wanting[at], t)
		}
	}
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(maxConcurrentReserves)
	for at, some := range wanting {
		g.Go(func() error {
			slots, err := pl.Limiter.Reserve(asking, which(some[0]).Key, len(some), at.urgent)
			for i, s := range slots {
				which(some[i]).slot = s
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	now := pl.Now()
	soon := make([]*task, 0, len(tasks))
	for _, t := range tasks {
		one := which(t)
		if one.needsSlot() && one.slot.IsZero() {
			p.deferrals = append(p.deferrals, pl.deferTask(t, pl.Limiter.Horizon().Add(rand.N(time.Minute)), deferralRateLimit)) //nolint:gosec // spreads load
		} else if at, why := pl.slotView(t).timeAndReason(now); at.After(now.Add(claimHorizon)) {
			p.deferrals = append(p.deferrals, pl.deferTask(t, at.Add(-enqueueLead), why))
		} else {
			soon = append(soon, t)
		}
	}
	return soon, nil
}

// needsSlot reports whether a task must reserve a slot: it has none, or none that can be
// used.
func (pl *pipeline) needsSlot(t *task, one *limitedKey) bool {
	if !one.needsSlot() || one.slot.IsZero() {
		return one.needsSlot()
	}
	view := pl.Limiter.View(one.Key)
	_, holds := view.When(one.slot)
	return !holds || view.Missed(one.slot, pl.slotView(t).lastSlotTime())
}

// refusalOutcome returns the outcome of a delivery that fails without a call.
func refusalOutcome(code string) messenger.Outcome {
	return messenger.Outcome{
		Kind:  messenger.Failed,
		Scope: messenger.CredentialScope,
		Code:  code,
		Excerpt: "not called: the provider refused this credential shortly before, with this code; " +
			"correct the credential and replay the delivery",
	}
}
