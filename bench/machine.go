package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// A machine describes where figures were measured.
type machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
	System string `json:"system"`
	Go     string `json:"go"`
	Note   string `json:"note,omitempty"` // a reason to distrust its figures
}

// thisMachine describes the current machine, with its databases in a folder. Unknown
// fields are empty.
func thisMachine(dir string) machine {
	m := machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(),
		CPU:    field("/proc/cpuinfo", "model name", ":"),
		System: strings.Trim(field("/etc/os-release", "PRETTY_NAME", "="), `"`),
	}
	if status, err := os.ReadFile("/proc/meminfo"); err == nil {
		if kB, err := kilobytes(string(status), "MemTotal"); err == nil {
			m.Memory = fmt.Sprintf("%.0f GiB", kB/(1<<20))
		}
	}
	if dir == "" {
		dir = os.TempDir()
	}
	if inMemory(dir) {
		m.Note = "the databases are in memory, without the cost of fsync: set a folder on a disk by -dir"
	}
	return m
}

// field returns the first value of a name in a file of lines.
func field(path, name, separator string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		key, value, found := strings.Cut(lines.Text(), separator)
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
