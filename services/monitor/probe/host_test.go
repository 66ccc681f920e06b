package probe

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// TestHost verifies that limits that every machine is beyond fail, and others pass.
func TestHost(t *testing.T) {
	p := New(Env{Data: t.TempDir()})
	for name, c := range map[string]struct {
		check   Host
		outcome Outcome
		message string
	}{
		"disk":            {Host{DiskPercent: 100}, Passed, "disk "},
		"disk above":      {Host{DiskPercent: 1e-9}, Failed, "above 0 %"},
		"disk free":       {Host{DiskFreeBytes: 1}, Passed, "free disk space "},
		"disk free below": {Host{DiskFreeBytes: 1 << 60}, Failed, "MiB, below 1099511627776 MiB"},
		"another path":    {Host{DiskPath: os.TempDir(), DiskPercent: 100}, Passed, "disk "},
		"no such path":    {Host{DiskPath: filepath.Join(os.TempDir(), "no-such-folder"), DiskPercent: 100}, Failed, "no such file"},
		"memory":          {Host{MemoryPercent: 100}, Passed, "memory "},
		"memory above":    {Host{MemoryPercent: 1e-9}, Failed, "memory "},
		"CPU":             {Host{CPUPercent: 100}, Passed, "CPU "},
		"load":            {Host{Load: 1e9}, Passed, "load per processor "},
		"several":         {Host{DiskPercent: 100, MemoryPercent: 100, Load: 1e9}, Passed, "; load"},
		"one of several":  {Host{DiskPercent: 100, MemoryPercent: 1e-9}, Failed, "memory "},
	} {
		t.Run(name, func(t *testing.T) {
			f := run(t, p, &c.check)
			want(t, f, c.outcome, c.message)
			if strings.Contains(f.Message, "%!") || f.HasValue == strings.Contains(f.Message, "cannot") {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestProcessorUse verifies the use between two measurements while a processor is busy.
func TestProcessorUse(t *testing.T) {
	var stop atomic.Bool
	defer stop.Store(true)
	go func() {
		for !stop.Load() {
			runtime.Gosched()
		}
	}()
	var use processorUse
	first, err := use.percent(t.Context())
	if err != nil || first <= 0 || first > 100 {
		t.Fatalf("%v, %v", first, err)
	}
	if again, err := use.percent(t.Context()); err != nil || again != first {
		t.Errorf("within a second: %v, %v, want %v", again, err, first)
	}
}

// TestProcess looks for a process that the test starts and ends.
func TestProcess(t *testing.T) {
	program, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "98765.4321")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	const pattern = `sleep 98765\.4321$`
	want(t, run(t, private(), &Process{Name: "sleep", Command: pattern}), Passed, "processes: 1")
	want(t, run(t, private(), &Process{Command: pattern, MaxMemoryBytes: 1 << 40}), Passed, "processes: 1; memory ")
	want(t, run(t, private(), &Process{Command: pattern, MaxMemoryBytes: 1}), Failed, "memory ")
	want(t, run(t, private(), &Process{Name: "sleep", Command: pattern, MinCount: 2}), Failed, "processes: 1, below 2")
	want(t, run(t, private(), &Process{Name: "no-such-program"}), Failed, "processes: 0, below 1")
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
	want(t, run(t, private(), &Process{Name: "sleep", Command: pattern}), Failed, "processes: 0, below 1")
}
