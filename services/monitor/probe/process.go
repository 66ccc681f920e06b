package probe

import (
	"cmp"
	"context"

	"github.com/shirou/gopsutil/v4/process"
)

func (c *Process) run(ctx context.Context, _ *Prober) Finding {
	all, err := process.ProcessesWithContext(ctx)
	if err != nil {
		return unknown("cannot list processes: %s", reason(err))
	}
	count, memory := 0, uint64(0)
	for _, one := range all {
		ok, err := c.matches(ctx, one)
		if err != nil {
			return unknown("%s", reason(err))
		}
		if !ok {
			continue
		}
		count++
		if c.MaxMemoryBytes > 0 {
			if use, err := one.MemoryInfoWithContext(ctx); err == nil { // it may have ended
				memory += use.RSS
			}
		}
	}
	const mib = 1 << 20
	minimum := cmp.Or(c.MinCount, 1)
	var m measures
	m.add("processes:", float64(count), "", float64(minimum), count < minimum)
	if c.MaxMemoryBytes > 0 {
		m.add("memory", float64(memory)/mib, " MiB", float64(c.MaxMemoryBytes)/mib, memory > uint64(c.MaxMemoryBytes))
	}
	return m.finding()
}

// matches reports whether a process has the name and the command line of the check. A process that
// has ended or may not be read has none.
func (c *Process) matches(ctx context.Context, one *process.Process) (bool, error) {
	if c.Name != "" {
		if name, err := one.NameWithContext(ctx); err != nil || name != c.Name {
			return false, ctx.Err()
		}
	}
	if c.Command == "" {
		return true, nil
	}
	line, err := one.CmdlineWithContext(ctx)
	if err != nil || line == "" {
		return false, ctx.Err()
	}
	command, err := compile(c.Command)
	if err != nil {
		return false, err
	}
	return command.matches(ctx, []byte(line))
}
