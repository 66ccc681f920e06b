package mockup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// maxFaults is how many faults can be set at once.
const maxFaults = 1000

// A Fault is how a fake fails. The zero Fault changes nothing.
type Fault struct {
	next time.Time // when the next call passes, where PerSecond is set

	Path            string  // of the calls that fail; empty means every path
	BodyContains    string  // lets only calls fail whose body contains it, such as a destination; empty means all
	Credential      string  // lets only calls fail whose path, query or headers contain it; empty means all
	Share           float64 // of the matching calls that fail; 0 means all
	Delay           time.Duration
	Status          int               // 0 means the fake's own
	Headers         map[string]string // put on the answer
	Body            string            // the answer's, where Status or Body is set
	PerSecond       float64           // lets so many a second pass, evenly; 0 lets none
	CloseConnection bool              // reads the request and closes the connection unanswered
	CutAnswer       bool              // closes the connection in the middle of the answer
}

// SetFault makes the fakes fail from now on, in place of the fault with the same
// Path, BodyContains and Credential. Where several faults strike a call, the one that was set
// last has its way, so that a narrow fault can be laid over a wide one. It
// returns fault.ErrInvalid when there are too many.
func (m *Mockup) SetFault(f Fault) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = slices.DeleteFunc(m.faults, func(old Fault) bool {
		return old.Path == f.Path && old.BodyContains == f.BodyContains && old.Credential == f.Credential
	})
	if len(m.faults) >= maxFaults { // then none has made place
		return fmt.Errorf("fault: there are %d already, Reset first: %w", maxFaults, fault.ErrInvalid)
	}
	m.faults = append(m.faults, f)
	return nil
}

// strike answers with the fault that a call is to meet, or the zero Fault.
func (m *Mockup) strike(c *Call) Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, f := range slices.Backward(m.faults) {
		if f.matches(c) && (f.Share == 0 || m.Random() < f.Share) && !m.faults[i].passes(c.Time) {
			return f
		}
	}
	return Fault{}
}

// passes says whether a call is within PerSecond. One that is early by a tenth of
// the time between two is.
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
	return (f.Path == "" || f.Path == c.Path) && strings.Contains(c.Body, f.BodyContains) && c.bears(f.Credential)
}

// spoil makes of a fake's own answer what the fault wants it to be.
func (f Fault) spoil(a answer) answer {
	spoiled := answer{status: cmp.Or(f.Status, a.status), headers: map[string]string{}, body: a.body}
	if f.Status != 0 || f.Body != "" {
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
