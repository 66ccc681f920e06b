package sender

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// probeTimeout is the timeout of a sender's probe of a credential.
const probeTimeout = 15 * time.Second

// A planStage determines which of the taken deliveries are claimed soon, and which are
// deferred. It runs in the goroutine of the take stage.
type planStage struct {
	log       *slog.Logger
	now       func() time.Time
	limiter   *ratelimit.Limiter
	keys      *limiterKeys
	slots     *slotReserver
	breakers  *breakers
	deferrer  *deferrer
	dispatch  Dispatch
	calls     *alertCalls
	deferrals *deferralQueue // is waited for before redeliveries are looked up
}

// A plan divides the deliveries of taken jobs into those to claim and those to defer.
// Deliveries in neither list must not be sent.
type plan struct {
	messages  []*inFlightMessage // all taken
	claim     []*task            // to be claimed
	deferrals []result           // to be deferred
}

// run determines when the deliveries of taken jobs may be sent, and reserves their slots.
// After an error nothing may be sent.
func (s *planStage) run(ctx context.Context, taken []job.QueueMessage) (plan, error) {
	var p plan
	var tasks []*task
	p.messages, tasks = s.tasks(taken)
	if err := s.loadKeys(ctx, tasks); err != nil {
		return plan{}, err
	}
	tasks, err := s.dropRedeliveries(ctx, tasks)
	if err != nil {
		return plan{}, err
	}
	tasks, err = s.withoutRefused(ctx, tasks, &p)
	if err != nil {
		return plan{}, err
	}
	if tasks, p.deferrals, err = s.slots.reserve(ctx, tasks, p.deferrals); err != nil {
		return plan{}, err
	}
	p.claim = append(p.claim, tasks...)
	return p, nil
}

// tasks returns the in-flight messages of taken jobs and the tasks in them.
func (s *planStage) tasks(taken []job.QueueMessage) (messages []*inFlightMessage, tasks []*task) {
	now := s.now()
	seen := map[int64]bool{} // a redelivery may be in the same batch
	for i := range taken {
		m := &inFlightMessage{QueueMessage: taken[i]}
		messages = append(messages, m)
		for k := range m.Jobs {
			j := &m.Jobs[k]
			if isDigest(j) {
				if t := newDigestTask(m, j, now, seen); t != nil {
					tasks = append(tasks, s.prepared(t))
				}
				continue
			}
			for _, d := range j.Deliveries {
				if seen[d.ID] {
					continue
				}
				seen[d.ID] = true
				tasks = append(tasks, s.prepared(&task{message: m, job: j, delivery: d, taken: now}))
			}
		}
	}
	return messages, tasks
}

// prepared returns a task with its limiter keys and the slots that were reserved for it.
func (s *planStage) prepared(t *task) *task {
	s.keys.set(t)
	t.readSlots()
	return t
}

// loadKeys loads the limiter state of all keys of the tasks.
func (s *planStage) loadKeys(ctx context.Context, tasks []*task) error {
	keys := map[string]ratelimit.Key{}
	for _, t := range tasks {
		for _, key := range []ratelimit.Key{t.credential.Key, t.destination.Key} {
			if key.ID != "" && !s.limiter.IsLoaded(key) {
				keys[key.ID] = key
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxConcurrentReserves)
	for _, key := range keys {
		g.Go(func() error { return s.limiter.Load(ctx, key) })
	}
	return g.Wait()
}

// withoutRefused returns the tasks whose credential may be called, and adds the others to p:
// they are deferred or, if their credential was just refused, claimed to fail without a call.
func (s *planStage) withoutRefused(ctx context.Context, tasks []*task, p *plan) (allowed []*task, err error) {
	now := s.now()
	for _, t := range tasks {
		key := t.credential.Key
		if key.ID == "" {
			p.claim = append(p.claim, t) // it fails because its credential cannot be opened
			continue
		}
		status := s.limiter.View(key).Status()
		open := s.breakers.forKey(key.ID).waitFor(t.delivery.Destination)
		switch {
		case !status.RefusedUntil.IsZero():
			t.refused = status.Code
			p.claim = append(p.claim, t)
		case status.Code != "":
			isProbe, err := s.limiter.AcquireProbe(ctx, key, now.Add(probeTimeout))
			if err != nil {
				return nil, err
			}
			if isProbe {
				allowed = append(allowed, t)
			} else {
				p.deferrals = append(p.deferrals, s.deferrer.deferUntil(t, now.Add(time.Second), deferralProbe))
			}
		case open > 0:
			p.deferrals = append(p.deferrals, s.deferrer.deferUntil(t, now.Add(open+rand.N(probeInterval)), deferralBreaker)) //nolint:gosec // spreads load
		default:
			allowed = append(allowed, t)
		}
	}
	return allowed, nil
}
