package faults

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var saysDamaged = regexp.MustCompile(`the ledger \(corrupt database file, restore a backup\)`)

// TestLedgerCorrupted starts on a corrupt ledger file, and then on the original one.
func TestLedgerCorrupted(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := oneIn(t, data)
	all, _ := posts(draw(t.Name()), 10)
	s.send(t, all)
	must(t, s.parts["all"].Stop(t))
	path := filepath.Join(data, "ledger.db")
	good, err := os.ReadFile(path)
	must(t, err)
	s.recordFault(func() {
		for name, bad := range map[string][]byte{
			"no database at all":    []byte(strings.Repeat("this is no database\n", 1000)),
			"garbage in the middle": append(append([]byte{}, good[:4096]...), []byte(strings.Repeat("garbage ", (len(good)-4096)/8))...),
		} {
			t.Run(name, func(t *testing.T) {
				must(t, os.WriteFile(path, bad, 0o600))
				s.doesNotStart(t, data, "cannot start", "ledger")
			})
		}
		must(t, os.WriteFile(path, good, 0o600))
		s.start(t, "all")
	})
	s.judge(t, all)
}

// doesNotStart checks that a process on a folder exits with an error that holds the
// words.
func (s *system) doesNotStart(t *testing.T, data string, why ...string) {
	t.Helper()
	p := binaries.Serve(t, append([]string{"--data=" + data, "--edge-addr=127.0.0.1:0"}, s.authFlags...)...)
	if err := p.Wait(t); err == nil {
		t.Error("exit without an error")
	}
	for _, word := range why {
		if !strings.Contains(p.Log(), word) || strings.Contains(p.Log(), "goroutine") {
			t.Errorf("stderr %q lacks %q", p.Log(), word)
		}
	}
}

// TestLedgerCorruptedWhileItRuns corrupts the ledger of an idle process: it refuses
// alerts that it cannot record, is not ready, and sends nothing more; after a restart
// it logs the reason.
func TestLedgerCorruptedWhileItRuns(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := oneIn(t, data)
	before, _ := posts(draw(t.Name()), 40)
	s.send(t, before)
	s.ended(t)
	must(t, s.parts["all"].Stop(t)) // so that all data is in one file
	s.start(t, "all")
	s.ready(t)
	calls := len(s.callsByDelivery(t))

	path := filepath.Join(data, "ledger.db")
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	info, err := file.Stat()
	must(t, err)
	garbage := []byte(strings.Repeat("garbage ", int(info.Size()-8192)/8))
	_, err = file.WriteAt(garbage, 8192)
	must(t, err)
	must(t, file.Close())

	s.refuses(t)
	s.notReady(t)
	if now := len(s.callsByDelivery(t)); now != calls {
		t.Errorf("%d more calls for deliveries that cannot be recorded", now-calls)
	}
	s.living(t)
	s.kill("all")
	// It finds the damage when it opens the ledger or only at a later request,
	// depending on the place of the damage.
	p := binaries.Serve(t, "--data="+data, "--edge-addr=127.0.0.1:0")
	if line := p.Await(t, startsOrNot, 1)[0][0]; line == "cannot start" {
		if p.Wait(t) == nil || !saysDamaged.MatchString(p.Log()) {
			t.Errorf("the log lacks the reason:\n%s", p.Log())
		}
		return
	}
	s.sendTo(p.URLs(t, 1)["edge"])
	s.notReady(t)
	p.Await(t, saysDamaged, 1)
	s.refuses(t)
}

var startsOrNot = regexp.MustCompile(`cannot start|"msg":"listening"`)
