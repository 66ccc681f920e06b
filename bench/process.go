package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is Linux's unit of CPU time in /proc, independent of the kernel's own.
const tick = 10 * time.Millisecond

// cpu returns the CPU time of a Bongsu.
func (s *scene) cpu(b *bongsu) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.ID()))
	s.must(err)
	d, err := cpuTime(string(stat))
	s.must(err)
	return d
}

// cpuTime parses /proc/PID/stat and returns the user and system time.
func cpuTime(stat string) (time.Duration, error) {
	name := strings.LastIndex(stat, ")") // end of the name, which may hold spaces and brackets
	fields := strings.Fields(stat[name+1:])
	if name < 0 || len(fields) < 13 {
		return 0, fmt.Errorf("malformed /proc/PID/stat %q", stat)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// memory returns the current and the peak resident memory of a Bongsu in MiB.
func (s *scene) memory(b *bongsu) (now, most float64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.ID()))
	s.must(err)
	for _, of := range []struct {
		field string
		value *float64
	}{{"VmRSS", &now}, {"VmHWM", &most}} {
		*of.value, err = kilobytes(string(status), of.field)
		s.must(err)
		*of.value /= 1024
	}
	return now, most
}

// forgetMost resets the peak resident memory of a Bongsu.
func (s *scene) forgetMost(b *bongsu) {
	s.must(os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", b.ID()), []byte("5"), 0))
}

// kilobytes parses a field of /proc/PID/status.
func kilobytes(status, field string) (float64, error) {
	_, rest, _ := strings.Cut("\n"+status, "\n"+field+":")
	words := strings.Fields(rest)
	if len(words) < 2 || words[1] != "kB" {
		return 0, fmt.Errorf("no %s in /proc/PID/status", field)
	}
	return strconv.ParseFloat(words[0], 64)
}
