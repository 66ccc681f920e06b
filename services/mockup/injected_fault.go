package mockup

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxFaults is the maximum number of faults.
const maxFaults = 1000

// A Fault is a failure of the fakes. The zero Fault changes nothing.
type Fault struct {
	next time.Time // when the next call passes, if PerSecond is set

	Path            string  // path of the calls that fail; empty matches every path
	BodyContains    string  // only calls whose body contains it fail, such as a destination; empty matches all
	Credential      string  // only calls whose path, query or headers contain it fail; empty matches all
	Share           float64 // fraction of the matching calls that fail; 0 means all
	Delay           time.Duration
	Status          int               // of the response; 0 means the fake's own
	Headers         map[string]string // added to the response
	Body            string            // of the response, if Status or Body is set
	PerSecond       float64           // rate of matching calls that pass, evenly spread; 0 passes none
	CloseConnection bool              // reads the request and closes the connection without a response
	CutAnswer       bool              // closes the connection in the middle of the response
}

// SetFault sets a fault from now on, and replaces the one with the same Path,
// BodyContains and Credential. If several faults match a call, the last one set
// applies, so that a narrow fault can override a wide one. It returns fault.ErrInvalid
// if there are too many.
func (m *Mockup) SetFault(f Fault) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = slices.DeleteFunc(m.faults, func(old Fault) bool {
		return old.Path == f.Path && old.BodyContains == f.BodyContains && old.Credential == f.Credential
	})
	if len(m.faults) >= maxFaults { // no fault was replaced
		return fault.WithReason(fault.InvalidField("fault", "at most %d faults can be set; reset the mockup first", maxFaults), "TOO_MANY_FAULTS")
	}
	m.faults = append(m.faults, f)
	return nil
}

// matchFault returns the fault that applies to a call, or the zero Fault.
func (m *Mockup) matchFault(c *Call) Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, f := range slices.Backward(m.faults) {
		if f.matches(c) && (f.Share == 0 || m.Random() < f.Share) && !m.faults[i].passes(c.Time) {
			return f
		}
	}
	return Fault{}
}

// passes reports whether a call is within PerSecond. A call that is early by up to a
// tenth of the interval passes.
func (f *Fault) passes(now time.Time) bool {
	if f.PerSecond == 0 {
		return false
	}
	interval := time.Duration(float64(time.Second) / f.PerSecond)
	if now.Before(f.next) {
		return false
	}
	f.next = f.next.Add(interval)
	if rested := now.Add(interval - interval/10); rested.After(f.next) {
		f.next = rested
	}
	return true
}

func (f Fault) matches(c *Call) bool {
	return (f.Path == "" || f.Path == c.Path) && strings.Contains(c.Body, f.BodyContains) && c.hasCredential(f.Credential)
}

// replaces reports whether the call gets another response than the fake's own. Such a call
// has no effect.
func (f Fault) replaces() bool { return f.Status != 0 || f.Body != "" }

// apply returns a fake's own response with the fault applied.
func (f Fault) apply(a response) response {
	spoiled := response{status: cmp.Or(f.Status, a.status), headers: map[string]string{}, body: a.body}
	if f.replaces() {
		spoiled.body = f.Body
		spoiled.headers["Content-Type"] = contentType(f.Body)
	} else {
		maps.Copy(spoiled.headers, a.headers)
	}
	maps.Copy(spoiled.headers, f.Headers)
	return spoiled
}

func contentType(body string) string {
	if json.Valid([]byte(body)) {
		return "application/json; charset=utf-8"
	}
	return "text/plain; charset=utf-8"
}
