package monitor_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// begin is when the first results are.
var begin = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// example returns a monitor that is down after 2 failures, and up again after 2 results.
func example() monitor.Monitor {
	return monitor.Monitor{
		ID: 1,
		Settings: monitor.Settings{
			Name: "web", Title: "Web shop", Interval: time.Minute, Timeout: 10 * time.Second, Failures: 2, Window: 2, Recoveries: 2,
			Severity: "critical", Targets: []string{"@kim"}, By: []string{"slack"}, Escalation: "night", Link: "https://run.example/web",
		},
		Status: monitor.Status{State: monitor.Pending, Since: begin},
	}
}

// A life is a monitor with the notices of its results, one a minute.
type life struct {
	monitor.Monitor
	now     time.Time
	notices []monitor.Notice
}

func newLife(change func(*monitor.Settings)) *life {
	l := &life{Monitor: example(), now: begin}
	if change != nil {
		change(&l.Settings)
	}
	return l
}

// add adds results, one a minute: p, f and u as in Status.Recent; F is a failed one while the
// database, on which the monitor depends, is down, P a passed one; m and M are a passed and a failed
// one in maintenance. It returns what was sent meanwhile.
func (l *life) add(results string) (sent string) {
	for _, r := range results {
		l.now = l.now.Add(time.Minute)
		result, c := resultOf(r)
		result.Time = l.now
		var notices []monitor.Notice
		l.Status, notices = monitor.Judge(l.Monitor, result, c)
		l.notices = append(l.notices, notices...)
		for _, n := range notices {
			sent += map[bool]string{true: "R", false: "F"}[n.Resolved]
		}
	}
	return sent
}

func resultOf(r rune) (monitor.Result, monitor.Conditions) {
	var c monitor.Conditions
	result := monitor.Result{Finding: probe.Finding{Outcome: probe.Passed}}
	switch r {
	case 'f', 'F', 'M':
		result.Finding = probe.Finding{Outcome: probe.Failed, Message: "connection refused"}
	case 'u':
		result.Finding = probe.Finding{Outcome: probe.Unknown, Message: "no permission"}
	}
	switch r {
	case 'F', 'P':
		c.Dependency = "database"
	case 'm', 'M':
		c.Maintenance = true
	}
	return result, c
}

func (l *life) lastMessage() string {
	if len(l.notices) == 0 {
		return ""
	}
	return l.notices[len(l.notices)-1].Message
}

var stateNames = map[monitor.State]string{
	monitor.Pending: "pending", monitor.Up: "up", monitor.Down: "down", monitor.Unknown: "unknown", monitor.Paused: "paused", monitor.Maintenance: "maintenance",
}

// TestJudge checks the state and the notices after results: F is a firing one, R a resolution.
func TestJudge(t *testing.T) {
	threeOfFive := func(s *monitor.Settings) { s.Failures, s.Window, s.Recoveries = 3, 5, 2 }
	atOnce := func(s *monitor.Settings) { s.Failures, s.Window, s.Recoveries = 1, 1, 1 }
	twoOfFive := func(s *monitor.Settings) { s.Failures, s.Window, s.Recoveries = 2, 5, 1 }
	silent := func(s *monitor.Settings) { s.Targets = nil }
	for _, test := range []struct {
		name     string
		settings func(*monitor.Settings)
		results  string
		state    string
		sent     string
	}{
		{"first pass", nil, "p", "up", ""},
		{"first failure", nil, "f", "pending", ""},
		{"first failures", nil, "ff", "down", "F"},
		{"one failure", nil, "pf", "up", ""},
		{"failures apart", nil, "pfpfpf", "up", ""},
		{"down", nil, "pff", "down", "F"},
		{"stays down", nil, "pffff", "down", "F"},
		{"one pass", nil, "pffp", "down", "F"},
		{"passes apart", nil, "pffpfpfp", "down", "F"},
		{"up again", nil, "pffpp", "up", "FR"},
		{"down again", nil, "pffppff", "down", "FRF"},
		{"at once", atOnce, "pfp", "up", "FR"},

		{"2 of 5", threeOfFive, "pfpfp", "up", ""},
		{"3 of 5", threeOfFive, "pfpfpf", "down", "F"},
		{"3 of 6", threeOfFive, "pfppfpf", "up", ""},
		{"3 of 5 up again", threeOfFive, "fffpp", "up", "FR"},
		{"failures before the recovery", threeOfFive, "fffppff", "up", "FR"},
		{"3 failures after the recovery", threeOfFive, "fffppfff", "down", "FRF"},
		{"no pass makes it down", twoOfFive, "ffpp", "up", "FR"},

		{"unknown counts for nothing", nil, "pfuf", "down", "F"},
		{"one unknown", nil, "pu", "up", ""},
		{"unknown in a row", nil, "puu", "unknown", ""},
		{"unknown from the start", nil, "uu", "unknown", ""},
		{"unknown while down", nil, "pffuuu", "down", "F"},
		{"unknown between passes", nil, "pffpup", "up", "FR"},
		{"pass after unknown", nil, "puup", "up", ""},
		{"failure after unknown", nil, "puuf", "up", ""},
		{"failures after unknown", nil, "puuff", "down", "F"},
		{"many unknown", threeOfFive, "pff" + strings.Repeat("u", 300) + "f", "down", "F"},

		{"dependency down", nil, "pFFF", "unknown", ""},
		{"dependency down at once", atOnce, "pF", "unknown", ""},
		{"pass while the dependency is down", nil, "pFP", "up", ""},
		{"up with the dependency", nil, "pFFp", "up", ""},
		{"down after the dependency is up", nil, "pFFff", "down", "F"},
		{"one failure after the dependency is up", nil, "pFFf", "up", ""},
		{"down before the dependency", nil, "pffFF", "down", "F"},
		{"up after both were down", nil, "pffFFpp", "up", "FR"},
		{"dependency down before the first pass", nil, "FFf", "pending", ""},

		{"maintenance", nil, "pMMMM", "maintenance", ""},
		{"passes in maintenance", nil, "pm", "maintenance", ""},
		{"up after maintenance", nil, "pMMmmp", "up", ""},
		{"one pass at the end of maintenance", nil, "pMMMMp", "down", ""},
		{"up again at the end of maintenance", nil, "pMMMMpp", "up", ""},
		{"failure after one pass at the end of maintenance", nil, "pMMMMpf", "down", "F"},
		{"still down after maintenance", nil, "pMMMMf", "down", "F"},
		{"down in maintenance, with one pass", nil, "pMMmMmf", "down", "F"},
		{"one failure after maintenance", nil, "pmmf", "up", ""},
		{"down before maintenance", nil, "pffMMf", "down", "F"},
		{"up again after maintenance", nil, "pffMMpp", "up", "FR"},
		{"up again in maintenance", nil, "pffMmm", "maintenance", "FR"},
		{"down again after maintenance", nil, "pffmmMMf", "down", "FRF"},
		{"unknown after maintenance", nil, "pMMu", "down", ""},
		{"dependency down after maintenance", nil, "pMMF", "unknown", ""},
		{"down after maintenance and dependency", nil, "pMMFf", "down", "F"},
		{"maintenance from the start", nil, "MM", "maintenance", ""},
		{"long before maintenance", nil, strings.Repeat("f", 150) + strings.Repeat("fp", 60) + "Mf", "down", "F"},

		{"unsteady before maintenance", nil, "pff" + strings.Repeat("pf", 15) + "mf", "down", "F"},

		{"failures before a recovery in maintenance", threeOfFive, "pMMMmmf", "up", ""},
		{"3 of 5 in maintenance", threeOfFive, "pMmMmMf", "down", "F"},

		{"3 changes", atOnce, "pfpf", "down", "FRF"},
		{"4 changes", atOnce, "pfpfp", "up", "FRFR"},
		{"flapping says no more", atOnce, "pfpfpfpfpfp", "up", "FRFR"},
		{"flapping from down", atOnce, "fpfpf", "down", "FRFRF"},
		{"apart", atOnce, "pfp" + strings.Repeat("p", 14) + "fp", "up", "FRFR"},
		{"stable up", atOnce, "pfpfpfp" + strings.Repeat("p", 15), "up", "FRFR"},
		{"almost stable down", atOnce, "pfpfpf" + strings.Repeat("f", 14), "down", "FRFR"},
		{"stable down", atOnce, "pfpfpf" + strings.Repeat("f", 15), "down", "FRFRF"},
		{"up after stable down", atOnce, "pfpfpf" + strings.Repeat("f", 15) + "p", "up", "FRFRFR"},
		{"stable up after flapping from down", atOnce, "fpfpfp" + strings.Repeat("p", 15), "up", "FRFRFR"},
		{"changes in maintenance do not flap", atOnce, "pMmMmMmMp", "up", ""},

		{"without targets", silent, "pff", "down", ""},
		{"without targets up again", silent, "pffpp", "up", ""},
		{"without targets after maintenance", silent, "pffMf", "down", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLife(test.settings)
			sent := l.add(test.results)
			kittest.Equal(t, stateNames[l.Status.State]+" "+sent, test.state+" "+test.sent)
			kittest.Equal(t, l.Status.Last.State, l.Status.State)
			kittest.Equal(t, l.Status.Last.Time, l.now)
			kittest.Equal(t, l.Status.Reason == "", l.Status.State == monitor.Up || l.Status.State == monitor.Pending || strings.HasSuffix(test.results, "m"))
		})
	}
}

// TestNotices checks the texts and the fields of notices.
func TestNotices(t *testing.T) {
	atOnce := func(s *monitor.Settings) { s.Failures, s.Window, s.Recoveries = 1, 1, 1 }
	for _, test := range []struct {
		name     string
		settings func(*monitor.Settings)
		results  string
		message  string
	}{
		{"failure", nil, "pff", "Web shop is down: connection refused (2 of the last 2 checks failed, since 2026-03-01 12:03:00 UTC)"},
		{"of few", func(s *monitor.Settings) { s.Window = 5 }, "pff", "Web shop is down: connection refused (2 of the last 3 checks failed, since 2026-03-01 12:03:00 UTC)"},
		{"at once", atOnce, "pf", "Web shop is down: connection refused (since 2026-03-01 12:02:00 UTC)"},
		{"name", func(s *monitor.Settings) { s.Title = "" }, "ff", "web is down: connection refused (2 of the last 2 checks failed, since 2026-03-01 12:02:00 UTC)"},
		{"recovery", nil, "pff" + strings.Repeat("f", 11) + "pp", "Web shop is up again after 13m"},
		{"flapping up", atOnce, "pfpfp", "Web shop is flapping: 4 changes in 15 min, and is up now; the next notice follows when it has been stable for 15 min"},
		{"flapping down", atOnce, "fpfpf", "Web shop is flapping: 4 changes in 15 min, and is down now: connection refused (since 2026-03-01 12:05:00 UTC)"},
		{"stable down", atOnce, "pfpfpf" + strings.Repeat("f", 15), "Web shop is down: connection refused (since 2026-03-01 12:06:00 UTC)"},
		{"maintenance", nil, "pMMpf", "Web shop is down: connection refused (1 of the last 2 checks failed, since 2026-03-01 12:04:00 UTC)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLife(test.settings)
			l.add(test.results)
			kittest.Equal(t, l.lastMessage(), test.message)
		})
	}

	l := newLife(nil)
	l.add("ff")
	kittest.Equal(t, l.notices, []monitor.Notice{{
		Monitor: "web", Targets: []string{"@kim"}, By: []string{"slack"}, Severity: "critical", Title: "Web shop", Message: l.lastMessage(),
		Link: "https://run.example/web", Escalation: "night", CreateTime: l.now, DueTime: l.now,
	}})
	kittest.Equal(t, l.Status.FireTime, l.now)
}

// TestRecoveryDuration checks how durations are written.
func TestRecoveryDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 750 * time.Second: "12m30s", time.Hour: "1h", time.Hour + time.Second: "1h0m1s", 50 * time.Hour: "2d2h", 1600 * time.Millisecond: "2s",
	} {
		l := newLife(func(s *monitor.Settings) { s.Recoveries = 1 })
		l.add("ff")
		var notices []monitor.Notice
		l.Status, notices = monitor.Judge(l.Monitor, monitor.Result{Time: l.now.Add(d), Finding: probe.Finding{Outcome: probe.Passed}}, monitor.Conditions{})
		kittest.Equal(t, len(notices), 1)
		kittest.Equal(t, notices[0].Message, "Web shop is up again after "+want)
	}
}

// TestReasons checks why a state is what it is, and since when.
func TestReasons(t *testing.T) {
	for _, test := range []struct {
		results, reason string
		since           int // in minutes
	}{
		{"p", "", 1},
		{"ppp", "", 1},
		{"pfff", "connection refused", 3},
		{"pffpu", "connection refused", 3},
		{"pF", "depends on database, which is down: connection refused", 2},
		{"puuu", "no permission", 3},
		{"pMM", "connection refused", 2},
		{"pMm", "", 2},
	} {
		l := newLife(nil)
		l.add(test.results)
		kittest.Equal(t, fmt.Sprint(test.results, l.Status.Reason, l.Status.Since.Sub(begin)), fmt.Sprint(test.results, test.reason, time.Duration(test.since)*time.Minute))
	}
}

// TestPausedMonitor checks that a result of a paused monitor changes nothing but the last result.
func TestPausedMonitor(t *testing.T) {
	l := newLife(nil)
	l.add("pff")
	l.Status.State = monitor.Paused
	before := l.Status
	kittest.Equal(t, l.add("ppff"), "")
	before.Last = l.Status.Last
	kittest.Equal(t, l.Status, before)
	kittest.Equal(t, l.Status.Last.State, monitor.Paused)
}

// TestTargetsOfAnOpenAlert checks that targets that are added while a monitor is down are notified,
// and that nothing is sent once they are removed.
func TestTargetsOfAnOpenAlert(t *testing.T) {
	l := newLife(func(s *monitor.Settings) { s.Targets = nil })
	kittest.Equal(t, l.add("pff"), "")
	l.Settings.Targets = []string{"@lee"}
	kittest.Equal(t, l.add("ff"), "F")
	l.Settings.Targets = nil
	kittest.Equal(t, l.add("pp"), "")
	l.Settings.Targets = []string{"@lee"}
	kittest.Equal(t, l.add("pff"), "F")
}

// TestJudgeKeepsItsArguments checks that Judge changes nothing that the monitor before shares.
func TestJudgeKeepsItsArguments(t *testing.T) {
	l := newLife(func(s *monitor.Settings) { s.Failures, s.Window, s.Recoveries = 1, 1, 1 })
	for range 50 {
		before := l.Status
		changes := slices.Clone(before.Changes)
		l.add([]string{"p", "f", strings.Repeat("p", 8)}[rand.IntN(3)])
		kittest.Equal(t, before.Changes, changes)
	}
}

// TestJudgeInvariants checks with random results what holds for all of them: no alert without a
// resolution before the next one, no resolution without an alert, no failure notifies in
// maintenance or because of a dependency, and once stable, the last notice is the true state.
func TestJudgeInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(func(s *monitor.Settings) {
			s.Window = rapid.IntRange(1, 6).Draw(t, "window")
			s.Failures = rapid.IntRange(1, s.Window).Draw(t, "failures")
			s.Recoveries = rapid.IntRange(1, 4).Draw(t, "recoveries")
		})
		firing := false
		for _, r := range rapid.SliceOfN(rapid.SampledFrom([]rune("ppppffffuFPmM")), 0, 150).Draw(t, "results") {
			before := l.Status
			sent := l.add(string(r))
			if len(sent) > 1 {
				t.Fatalf("a result sends %q", sent)
			}
			if sent != "" && firing == (sent == "F") {
				t.Fatalf("%q is sent while firing is %t", sent, firing)
			}
			firing = sent == "F" || firing && sent == ""
			switch {
			case sent == "F" && r != 'f':
				t.Fatalf("result %c sends a failure", r)
			case sent != "" && before.Flapping && l.Status.Flapping:
				t.Fatalf("%q is sent while it is flapping", sent)
			case firing != l.Status.Firing:
				t.Fatalf("firing is %t, the last notice says %t", l.Status.Firing, firing)
			case firing == l.Status.FireTime.IsZero():
				t.Fatalf("firing is %t since %s", firing, l.Status.FireTime)
			case len(l.Status.Recent) > monitor.MaxWindow, len(l.Status.Changes) > 10:
				t.Fatalf("the status grows: %+v", l.Status)
			case l.Status.State == monitor.Down && before.State == monitor.Up && r != 'f':
				t.Fatalf("result %c makes it down", r)
			case l.Status.State == monitor.Up && before.State == monitor.Down && r != 'p' && r != 'P':
				t.Fatalf("result %c makes it up", r)
			}
		}
		for _, stable := range []struct {
			result rune
			state  monitor.State
		}{{'f', monitor.Down}, {'p', monitor.Up}} {
			l.add(strings.Repeat(string(stable.result), 30))
			if l.Status.State != stable.state || l.Status.Firing != (stable.state == monitor.Down) || l.Status.Flapping {
				t.Fatalf("after 30 times %c: %+v", stable.result, l.Status)
			}
		}
	})
}
