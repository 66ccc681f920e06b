package sender

import (
	"context"
	"sync"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A pipeline is the stages that take and send the jobs of one messenger, and the channels
// and queues that connect them.
type pipeline struct {
	take     *takeStage // with the plan and claim stages
	deferral *deferStage
	schedule *scheduleStage
	call     *callStage
	reslot   *reslotStage
	report   *reportStage
	reset    *limitReset

	claimed   chan []*task
	deferrals *deferralQueue
	results   resultQueue
	calls     *alertCalls
}

// newPipeline returns the pipeline of a messenger. The link and the outage are shared by all
// pipelines of a sender.
func newPipeline(s *Sender, m messenger.Messenger, link *alertLink, outage *slotOutage) *pipeline {
	spec := m.Spec()
	name, limits, timeout := spec.Name, s.Limits(spec), s.Timeout(spec.Name)
	log := s.Log.With("messenger", name)
	recorder := spans{tracer: s.Tracer, messenger: name}

	claimed := make(chan []*task)
	results := newResultQueue()
	deferrals := newDeferralQueue()
	ready := newReadyQueue()
	deferrer := &deferrer{messenger: name, now: s.Now, metrics: s.Metrics}
	reslots := newReslotQueue(deferrer)

	batch := &claimBatchSizer{workers: s.Workers}
	calls := &alertCalls{link: link}
	slots := &slotReserver{now: s.Now, limiter: s.Limiter, deferrer: deferrer}
	refusals := newRefusalCounter()
	breakers := &breakers{config: s.Breaker, now: s.Now, byKey: map[string]*breaker{}, changed: func(key, from, to string) {
		s.Metrics.BreakerChanged(name, from, to)
		log.Warn("breaker changed", "key", key, "from", from, "to", to)
	}}

	return &pipeline{
		take: &takeStage{
			messenger: name, log: log, jobs: s.Jobs(name), batch: batch, link: link, outage: outage,
			plan: &planStage{
				log: log, now: s.Now, limiter: s.Limiter, keys: newLimiterKeys(name, limits, s.Key), slots: slots, breakers: breakers,
				deferrer: deferrer, dispatch: s.Dispatch, calls: calls, deferrals: deferrals,
			},
			claim:   &claimStage{log: log, now: s.Now, dispatch: s.Dispatch, calls: calls, spans: recorder},
			claimed: claimed, deferrals: deferrals,
		},
		deferral: &deferStage{log: log, dispatch: s.Dispatch, calls: calls, deferrals: deferrals},
		schedule: &scheduleStage{
			now: s.Now, timeout: timeout, limiter: s.Limiter, deferrer: deferrer, batch: batch, smoother: newSmoother(), maxWorkers: s.Workers,
			claimed: claimed, ready: ready, reslots: reslots, results: results,
		},
		call: &callStage{
			name: name, messenger: m, log: log, now: s.Now, metrics: s.Metrics, spans: recorder, key: s.Key, timeout: timeout,
			limiter: s.Limiter, breakers: breakers, refusals: refusals, deferrer: deferrer,
			share: &outcomeSharer{
				messenger: name, credentialURL: spec.Credential.URL, log: log, metrics: s.Metrics, limiter: s.Limiter,
				breakers: breakers, refusals: refusals, refusalTime: s.RefusalTime, dispatch: s.Dispatch,
			},
			ackURL: s.AckURL,
			ready:  ready, reslots: reslots, results: results,
		},
		reslot: &reslotStage{
			now: s.Now, timeout: timeout, slots: slots, deferrer: deferrer,
			reslots: reslots, claimed: claimed, results: results,
		},
		report: &reportStage{log: log, dispatch: s.Dispatch, link: link, batch: batch, spans: recorder, results: results},
		reset:  &limitReset{messenger: name, log: log, limiter: s.Limiter, limits: limits, dispatch: s.Dispatch, link: link},

		claimed: claimed, deferrals: deferrals, results: results, calls: calls,
	}
}

// run runs the stages until ctx ends; then each finishes the work of the one before it.
func (p *pipeline) run(ctx context.Context) error {
	var takers, workers, reporters sync.WaitGroup
	var err error
	takers.Go(func() { err = p.take.run(ctx) })
	takers.Go(func() { p.reslot.run(ctx) })
	takers.Go(func() { p.reset.run(ctx) })
	workers.Go(func() {
		p.schedule.run(func() { workers.Go(func() { p.call.run(ctx) }) })
	})
	reporters.Go(func() { p.report.run(ctx) })
	reporters.Go(func() { p.deferral.run(ctx) })

	takers.Wait() // until ctx ends
	close(p.claimed)
	p.deferrals.close()
	workers.Wait()
	close(p.results)
	reporters.Wait()
	p.calls.wait()
	return err
}
