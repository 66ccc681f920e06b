package event

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// refreshInterval is the time between two looks for changes of rules. A change applies within a
// second in all processes.
const refreshInterval = 500 * time.Millisecond

var _ Rules = (*RuleSet)(nil)

// A RuleSet holds all rules in memory, and follows their changes in the store. It is safe for
// concurrent use.
type RuleSet struct {
	store RuleStore
	log   *slog.Logger

	refreshing sync.Mutex
	current    atomic.Pointer[ruleSnapshot]
}

// A ruleSnapshot is the rules at one revision of the store.
type ruleSnapshot struct {
	revision int64
	rules    []snapshotRule // enabled ones, by name
}

// A snapshotRule is a rule, or the reason why it cannot be applied: a newer program may accept
// other rules.
type snapshotRule struct {
	rule     Rule
	compiled *CompiledRule // nil if it is invalid
	pattern  Pattern
	problem  string
}

// OpenRules reads the rules of a store.
func OpenRules(ctx context.Context, store RuleStore, log *slog.Logger) (*RuleSet, error) {
	s := &RuleSet{store: store, log: log}
	return s, s.load(ctx)
}

// Run follows changes until ctx ends. While the store is unavailable, the rules stay as they are.
func (s *RuleSet) Run(ctx context.Context) error {
	ticker := time.NewTicker(refreshInterval)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := s.Refresh(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failing {
			s.log.Warn("event rules cannot be read, the last ones apply", "error", err)
		}
		if err == nil && failing {
			s.log.Info("event rules are read again")
		}
		failing = err != nil
	}
}

// Refresh reads the rules if they were changed.
func (s *RuleSet) Refresh(ctx context.Context) error {
	revision, err := s.store.RuleRevision(ctx)
	if err != nil || revision == s.current.Load().revision {
		return err
	}
	return s.load(ctx)
}

// load reads all rules. Those that were not changed are not parsed again.
func (s *RuleSet) load(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	rules, revision, err := s.store.AllRules(ctx)
	if err != nil {
		return err
	}
	before := map[string]snapshotRule{}
	if last := s.current.Load(); last != nil {
		for _, r := range last.rules {
			before[r.rule.Name] = r
		}
	}
	next := &ruleSnapshot{revision: revision}
	for _, r := range rules {
		if r.Disabled {
			continue
		}
		if same, ok := before[r.Name]; ok && same.rule.Revision == r.Revision {
			next.rules = append(next.rules, same)
			continue
		}
		next.rules = append(next.rules, s.compile(r))
	}
	s.current.Store(next)
	return nil
}

func (s *RuleSet) compile(r Rule) snapshotRule {
	compiled, err := CompileRule(r)
	if err == nil {
		return snapshotRule{rule: r, compiled: compiled, pattern: compiled.pattern}
	}
	s.log.Error("stored event rule is invalid, its events become dead letters: set the rule again", "rule", r.Name, "error", err)
	pattern, patternErr := ParsePattern(r.Type)
	if patternErr != nil {
		pattern = Pattern{rest: true} // no event is lost
	}
	return snapshotRule{rule: r, pattern: pattern, problem: "invalid rule: " + err.Error()}
}

// Apply returns the alerts of all rules that match an event.
func (s *RuleSet) Apply(_ context.Context, e Event) (alerts []PlannedAlert, failures []Failure) {
	var fields eventFields
	var problem error
	decoded := false
	for _, r := range s.current.Load().rules {
		if !r.pattern.Match(e.Type) {
			continue
		}
		if !decoded {
			fields, problem = fieldsOf(e)
			decoded = true
		}
		planned, err := r.apply(fields, problem)
		if err != nil {
			failures = append(failures, Failure{Rule: r.rule.Name, Reason: reasonOf(err.Error())})
			continue
		}
		alerts = append(alerts, planned...)
	}
	return alerts, failures
}

// apply returns the alerts of one rule. problem is why the event has no fields, or nil.
func (r snapshotRule) apply(fields eventFields, problem error) ([]PlannedAlert, error) {
	switch {
	case r.compiled == nil:
		return nil, failure(r.problem)
	case problem != nil:
		return nil, problem
	}
	is, err := r.compiled.matches(fields)
	if err != nil || !is {
		return nil, err
	}
	return r.compiled.plan(fields)
}

// A failure is the text of a failure.
type failure string

func (f failure) Error() string { return string(f) }
