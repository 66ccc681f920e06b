package alert

import (
	"slices"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// ahead is how long before their time deliveries are taken from the ledger, so that
	// they can be enqueued on time: taking ten thousand deliveries lasts some tenths of a
	// second. If the process crashes meanwhile, they may be sent that much early. It must
	// be less than onTheWay.
	ahead = 500 * time.Millisecond
	// mostSoon is how many deliveries are taken ahead of time at most.
	mostSoon = 20_000
)

// soon holds the jobs that were taken ahead of time. It is safe for concurrent use.
type soon struct {
	mu         sync.Mutex
	jobs       []DueJob
	deliveries int
}

// add adds jobs.
func (s *soon) add(jobs []DueJob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, jobs...)
	for _, j := range jobs {
		s.deliveries += len(j.Deliveries)
	}
}

// ripe removes and returns the jobs that are due, in the order in which they were added. A
// job with a time beyond ahead was taken before a backward clock step: it is due.
func (s *soon) ripe(now time.Time) (jobs []job.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = slices.DeleteFunc(s.jobs, func(j DueJob) bool {
		is := !j.Time.After(now) || j.Time.After(now.Add(ahead+clockSlack))
		if is {
			jobs = append(jobs, j.Job)
			s.deliveries -= len(j.Deliveries)
		}
		return is
	})
	return jobs
}

// first returns the earliest due time; zero if there are no jobs.
func (s *soon) first() (first time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if first.IsZero() || j.Time.Before(first) {
			first = j.Time
		}
	}
	return first
}

// ahead returns how long before their time more deliveries may be taken; 0 if soon is
// full.
func (s *soon) ahead() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deliveries >= mostSoon {
		return 0
	}
	return ahead
}

// clear removes all jobs.
func (s *soon) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs, s.deliveries = nil, 0
}
