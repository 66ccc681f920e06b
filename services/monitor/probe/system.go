package probe

import (
	"context"
)

func (c *System) run(ctx context.Context, p *Prober) Finding {
	read := p.env.Values[c.Value]
	of := systemValues[c.Value]
	if read == nil {
		return unknown("this process does not know the %s", of.text)
	}
	value, err := read(ctx)
	switch {
	case err != nil && (c.Value == LedgerLatency || c.Value == QueueProblems): // what cannot be reached is what is checked
		return failed("%s: %s", of.text, reason(err))
	case err != nil:
		return unknown("%s: %s", of.text, reason(err))
	case of.minimum && value < c.Limit:
		return failed("%s: %s%s, below %s", of.text, trimmed(value), of.unit, trimmed(c.Limit)).with(value)
	case !of.minimum && value > c.Limit:
		return failed("%s: %s%s, above %s", of.text, trimmed(value), of.unit, trimmed(c.Limit)).with(value)
	}
	return passed("%s: %s%s", of.text, trimmed(value), of.unit).with(value)
}
