package probe

import (
	"context"
	"errors"
)

// A ValueReader reads values of Bongsu itself. It is safe for concurrent use.
type ValueReader interface {
	// ReadValue reads a value in each process that has it.
	ReadValue(ctx context.Context, v SystemValue) []Reading
}

// A Reading is a value of Bongsu itself as one process has it.
type Reading struct {
	Instance string // the id of the process in the registry; empty for this one
	Value    float64
	Err      error // why it could not be read; ErrUnreachable if the process could not be called
}

// ErrUnreachable is the error of a value in a process that could not be called.
var ErrUnreachable = errors.New("the process could not be called")

// LocalValues read the values that this process has.
type LocalValues map[SystemValue]func(context.Context) (float64, error)

var _ ValueReader = LocalValues{}

// ReadValue reads a value of this process.
func (l LocalValues) ReadValue(ctx context.Context, v SystemValue) []Reading {
	read := l[v]
	if read == nil {
		return nil
	}
	value, err := read(ctx)
	return []Reading{{Value: value, Err: err}}
}

// Reason returns the text of an error of a check, without URLs.
func Reason(err error) string { return reason(err) }

// run compares the worst of the values with the limit. A process whose value could not be read may
// have a worse one, so that the check passes only if all were read.
func (c *System) run(ctx context.Context, p *Prober) Finding {
	of := systemValues[c.Value]
	var readings []Reading
	if p.env.Values != nil {
		readings = p.env.Values.ReadValue(ctx, c.Value)
	}
	worst, ok := c.worst(readings)
	failure := c.failure(readings)
	switch {
	case len(readings) == 0:
		return unknown("this process does not know the %s, and no instance is registered that does", of.text)
	case ok && of.minimum && worst.Value < c.Limit:
		return failed("%s: %s%s, below %s%s", of.text, trimmed(worst.Value), of.unit, trimmed(c.Limit), worst.place()).with(worst.Value)
	case ok && !of.minimum && worst.Value > c.Limit:
		return failed("%s: %s%s, above %s%s", of.text, trimmed(worst.Value), of.unit, trimmed(c.Limit), worst.place()).with(worst.Value)
	case failure == nil:
		return passed("%s: %s%s", of.text, trimmed(worst.Value), of.unit).with(worst.Value)
	case c.isFailure(failure.Err):
		return failed("%s: %s%s", of.text, reason(failure.Err), failure.place())
	}
	return unknown("%s: %s%s", of.text, reason(failure.Err), failure.place())
}

// worst returns the reading that is the nearest to the limit or the furthest beyond it.
func (c *System) worst(readings []Reading) (worst Reading, ok bool) {
	minimum := systemValues[c.Value].minimum
	for _, r := range readings {
		if r.Err == nil && (!ok || minimum && r.Value < worst.Value || !minimum && r.Value > worst.Value) {
			worst, ok = r, true
		}
	}
	return worst, ok
}

// failure returns a reading with an error, one that is a failure of the check before others; nil if all
// were read.
func (c *System) failure(readings []Reading) *Reading {
	var first *Reading
	for i, r := range readings {
		if r.Err != nil && (first == nil || c.isFailure(r.Err) && !c.isFailure(first.Err)) {
			first = &readings[i]
		}
	}
	return first
}

// isFailure reports whether an error means that the check failed: the ledger or the queue, whose
// reachability is the value, could not be reached.
func (c *System) isFailure(err error) bool {
	return (c.Value == LedgerLatency || c.Value == QueueProblems) && !errors.Is(err, ErrUnreachable)
}

// place returns the instance of a reading for messages.
func (r Reading) place() string {
	if r.Instance == "" {
		return ""
	}
	return " (instance " + r.Instance + ")"
}
