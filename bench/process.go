package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux counts CPU time for programs, whatever its kernel
// counts in.
const tick = 10 * time.Millisecond

// cpu is the CPU time that a Bongsu has taken.
func (s *scene) cpu(b *bongsu) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.ID()))
	s.must(err)
	d, err := cpuTime(string(stat))
	s.must(err)
	return d
}

// cpuTime reads a file stat of /proc: the time in the program and for it in the kernel.
func cpuTime(stat string) (time.Duration, error) {
	name := strings.LastIndex(stat, ")") // its end; it may hold spaces, and brackets too
	fields := strings.Fields(stat[name+1:])
	if name < 0 || len(fields) < 13 {
		return 0, fmt.Errorf("%q is no /proc/PID/stat", stat)
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

// memory is how much of the machine's memory a Bongsu has, and the most that it had,
// in MiB.
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

// forgetMost makes memory forget the most that a Bongsu had before.
func (s *scene) forgetMost(b *bongsu) {
	s.must(os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", b.ID()), []byte("5"), 0))
}

// kilobytes reads a field of a file status of /proc.
func kilobytes(status, field string) (float64, error) {
	_, rest, _ := strings.Cut("\n"+status, "\n"+field+":")
	words := strings.Fields(rest)
	if len(words) < 2 || words[1] != "kB" {
		return 0, fmt.Errorf("there is no %s in the status", field)
	}
	return strconv.ParseFloat(words[0], 64)
}
