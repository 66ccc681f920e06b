package alert

import (
	"slices"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// ahead is how long before its time what waits is taken from the ledger, so that it
	// can be put on time: to take ten thousand deliveries lasts some tenths of a second.
	// Should the process die meanwhile, they may go that much early. It is less than
	// onTheWay.
	ahead = 500 * time.Millisecond
	// mostSoon is how many deliveries are taken ahead at most.
	mostSoon = 20_000
)

// soon is what was taken ahead of its time. It is safe for concurrent use.
type soon struct {
	mu         sync.Mutex
	jobs       []DueJob
	deliveries int
}

// add takes jobs.
func (s *soon) add(jobs []DueJob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, jobs...)
	for _, j := range jobs {
		s.deliveries += len(j.Deliveries)
	}
}

// ripe gives up the jobs whose time has come, in the order in which they were added. What
// is later than anything is taken ahead was taken before the clock went back: it has come.
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

// first is when the first job's time comes; zero where there is none.
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

// ahead is how long before its time more may be taken.
func (s *soon) ahead() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deliveries >= mostSoon {
		return 0
	}
	return ahead
}

// clear forgets all.
func (s *soon) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs, s.deliveries = nil, 0
}
