package probe

import (
	"cmp"
	"context"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
)

func (c *Host) run(ctx context.Context, p *Prober) Finding {
	var m measures
	for _, measure := range []func(context.Context, *Prober, *measures) error{c.measureDisk, c.measureMemory, c.measureProcessors, c.measureLoad} {
		if err := measure(ctx, p, &m); err != nil {
			return failed("cannot read the machine: %s", reason(err))
		}
	}
	return m.finding()
}

func (c *Host) measureDisk(ctx context.Context, p *Prober, m *measures) error {
	if c.DiskPercent == 0 && c.DiskFreeBytes == 0 {
		return nil
	}
	use, err := disk.UsageWithContext(ctx, cmp.Or(c.DiskPath, p.env.Data, "."))
	if err != nil {
		return err
	}
	if c.DiskPercent > 0 {
		m.add("disk", use.UsedPercent, " %", c.DiskPercent, use.UsedPercent > c.DiskPercent)
		if use.InodesTotal > 0 && use.InodesUsedPercent > c.DiskPercent {
			m.add("inodes", use.InodesUsedPercent, " %", c.DiskPercent, true)
		}
	}
	if c.DiskFreeBytes > 0 {
		const mib = 1 << 20
		m.add("free disk space", float64(use.Free)/mib, " MiB", float64(c.DiskFreeBytes)/mib, use.Free < uint64(c.DiskFreeBytes))
	}
	return nil
}

func (c *Host) measureMemory(ctx context.Context, _ *Prober, m *measures) error {
	if c.MemoryPercent == 0 {
		return nil
	}
	use, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return err
	}
	m.add("memory", use.UsedPercent, " %", c.MemoryPercent, use.UsedPercent > c.MemoryPercent)
	return nil
}

func (c *Host) measureProcessors(ctx context.Context, p *Prober, m *measures) error {
	if c.CPUPercent == 0 {
		return nil
	}
	percent, err := p.processors.percent(ctx)
	if err != nil {
		return err
	}
	m.add("CPU", percent, " %", c.CPUPercent, percent > c.CPUPercent)
	return nil
}

func (c *Host) measureLoad(ctx context.Context, _ *Prober, m *measures) error {
	if c.Load == 0 {
		return nil
	}
	average, err := load.AvgWithContext(ctx)
	if err != nil {
		return err
	}
	count, err := cpu.CountsWithContext(ctx, true)
	if err != nil {
		return err
	}
	perProcessor := average.Load1 / float64(max(count, 1))
	m.add("load per processor", perProcessor, "", c.Load, perProcessor > c.Load)
	return nil
}

// DiskPercent returns the use of the file system of a path, in percent: of its space or of its inodes,
// whichever is more.
func DiskPercent(ctx context.Context, path string) (float64, error) {
	use, err := disk.UsageWithContext(ctx, path)
	if err != nil {
		return 0, err
	}
	return max(use.UsedPercent, use.InodesUsedPercent), nil
}
