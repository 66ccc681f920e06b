package monitor_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// An alertService records alerts as the tests say. It implements monitor.Alerts.
type alertService struct {
	mu     sync.Mutex
	answer func(n monitor.Notice) error // nil records all
	keys   []string                     // of the recorded ones, with ! for a firing one
}

// Send implements monitor.Alerts.
func (s *alertService) Send(_ context.Context, n monitor.Notice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer != nil {
		if err := s.answer(n); err != nil {
			return err
		}
	}
	s.keys = append(s.keys, n.Key()+map[bool]string{false: "!", true: ""}[n.Resolved])
	return nil
}

func (s *alertService) set(answer func(monitor.Notice) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// TestNotifier checks that the notices of a monitor are sent in their order, until they are recorded,
// and that one that is refused keeps no later one from being sent.
func TestNotifier(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.create(t, "web", nil)
		p.create(t, "api", nil)
		p.targets.set("web", true, 0)
		p.targets.set("api", true, 0)
		p.run(t)
		service := &alertService{}
		notifier := monitor.NewNotifier(p.store, service, time.Now, slog.New(slog.DiscardHandler))
		p.start(t, notifier.Run)
		service.set(func(n monitor.Notice) error {
			if n.Monitor == "api" && !n.Resolved {
				return fault.Invalidf("no such user")
			}
			return fault.Unavailablef("away")
		})
		pass(30 * time.Second)
		p.targets.set("web", false, 0)
		p.targets.set("api", false, 0)
		pass(30 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "up")
		kittest.Equal(t, len(service.keys), 0)
		service.set(nil)
		pass(35 * time.Second)
		keys := map[string]int{}
		for i, key := range service.keys {
			keys[key] = i
		}
		kittest.Equal(t, len(service.keys), 3)
		if keys["monitor/web!"] > keys["monitor/web"] {
			t.Errorf("recorded %q", service.keys)
		}
		pass(time.Hour)
		kittest.Equal(t, len(service.keys), 3)
	})
}
