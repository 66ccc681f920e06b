package alert

import (
	"slices"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// lookaheadTime is how long before their time deliveries are taken from the ledger, so
	// that they can be enqueued on time: taking ten thousand deliveries lasts some tenths of
	// a second. If the process crashes meanwhile, they may be sent that much early. It must
	// be less than inTransit.
	lookaheadTime = 500 * time.Millisecond
	// maxLookahead is how many deliveries are taken ahead of time at most.
	maxLookahead = 20_000
)

// lookahead holds the jobs that were taken ahead of time. It is safe for concurrent use.
type lookahead struct {
	mu         sync.Mutex
	jobs       []DueJob
	deliveries int
}

// add adds jobs.
func (l *lookahead) add(jobs []DueJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs = append(l.jobs, jobs...)
	for _, j := range jobs {
		l.deliveries += len(j.Deliveries)
	}
}

// takeReady removes and returns the jobs that are due, in the order in which they were added.
// A job with a time later than lookaheadTime from now was taken before a backward clock step:
// it is due.
func (l *lookahead) takeReady(now time.Time) (jobs []job.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs = slices.DeleteFunc(l.jobs, func(j DueJob) bool {
		due := !j.Time.After(now) || j.Time.After(now.Add(lookaheadTime+maxClockSkew))
		if due {
			jobs = append(jobs, j.Job)
			l.deliveries -= len(j.Deliveries)
		}
		return due
	})
	return jobs
}

// nextTime returns the earliest due time; zero if there are no jobs.
func (l *lookahead) nextTime() (first time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range l.jobs {
		if first.IsZero() || j.Time.Before(first) {
			first = j.Time
		}
	}
	return first
}

// window returns how long before their time more deliveries may be taken; 0 if it is
// full.
func (l *lookahead) window() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deliveries >= maxLookahead {
		return 0
	}
	return lookaheadTime
}

// clear removes all jobs.
func (l *lookahead) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs, l.deliveries = nil, 0
}
