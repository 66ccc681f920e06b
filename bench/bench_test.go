package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/bench/figure"
)

// TestMain lets the test binary run as a part, like the program.
func TestMain(m *testing.M) {
	if part, err := beAPart(context.Background()); part {
		if err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// TestBench measures too briefly for meaningful figures, and checks that they exist and
// are consistent.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("runs other processes for seconds")
	}
	dir := t.TempDir()
	o, err := parse([]string{
		"-run=ceilings,accept,accept-key,accept-incident,deliver,latency,fanout,route,flood,traces,senders", "-time=100ms", "-dir=" + dir,
		"-json=" + filepath.Join(dir, "bench.json"), "-report=" + filepath.Join(dir, "RESULTS.md"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := bench(t.Context(), o, io.Discard, t.Output()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.JSON)
	if err != nil {
		t.Fatal(err)
	}
	var got results
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	by := map[string]figure.Summary{}
	none := []string{"senders/2/again", "senders/far/2/again", "flood/callers-refused"} // of which there is none
	for _, f := range got.Figures {
		by[f.Name] = f
		if math.IsNaN(f.Value) || f.Value <= 0 && !slices.Contains(none, f.Name) || f.Of != "" && f.Share <= 0 {
			t.Errorf("impossible figure %+v", f)
		}
	}
	for _, name := range []string{
		"ceiling/post", "ceiling/handler", "ceiling/relay", "ceiling/sqlite", "ceiling/jetstream", "accept/connect/1", "accept/grpc/5", "accept/rest/100",
		"accept-key/connect/off", "accept-key/grpc", "accept-key/rest", "accept-incident/opened", "accept-incident/updated", "accept-incident/cpu/opened", "traces/accept", "traces/deliver/off",
		"deliver/1", "deliver/100", "deliver/batched", "latency/100/p99", "fanout/1300/last", "route/1", "route/3", "route/direct", "flood/calm/p99", "flood/p99", "flood/sent", "senders/2", "senders/far/2",
	} {
		if by[name].Runs != 1 {
			t.Errorf("%s was measured %d times", name, by[name].Runs)
		}
	}
	if by["accept/rest/1/p50"].Value > by["accept/rest/1/p99"].Value {
		t.Errorf("the median latency is above the 99th percentile")
	}
	for _, name := range none {
		if f := by[name]; f.Runs != 1 || f.Value != 0 {
			t.Errorf("want one figure of 0: %+v", f)
		}
	}
	if f := by["flood/refused"]; f.Of != "flood/sent" || f.Share < 0.5 || f.Share >= 1 {
		t.Errorf("the burst of the flooder is served, and then no more than its limit: %+v", f)
	}
	judged := 0
	for _, v := range got.Budgets {
		judged += v.Runs
	}
	if judged != 21 || len(got.Notes) != 0 || got.Machine.Cores == 0 || got.Machine.CPU == "" {
		t.Errorf("%d verdicts on %+v, %q", judged, got.Machine, got.Notes)
	}
	page, err := os.ReadFile(o.Report)
	if err != nil || !strings.Contains(string(page), "| deliver/1 |") || strings.Contains(string(page), "calls/s") {
		t.Errorf("the page lacks shares, or has absolute rates: %v\n%s", err, page)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "bench-*")); err != nil || len(left) > 0 {
		t.Errorf("files left: %v %v", left, err)
	}
}

// TestBenchWithKeys checks that with -auth every protocol and every other call sends a key, and
// that the figures say so.
func TestBenchWithKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("runs other processes for seconds")
	}
	dir := t.TempDir()
	o, err := parse([]string{"-auth", "-run=accept,deliver,fanout,reads", "-time=50ms", "-dir=" + dir, "-json=" + filepath.Join(dir, "bench.json")})
	if err != nil {
		t.Fatal(err)
	}
	if err := bench(t.Context(), o, io.Discard, t.Output()); err != nil {
		t.Fatal(err)
	}
	got, err := readResults(o.JSON)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, f := range got.Figures {
		of[f.Name] = f.Of
		if !strings.HasSuffix(f.Name, keyMark) {
			t.Errorf("%s does not say that it was measured with a key", f.Name)
		}
	}
	for name, want := range map[string]string{
		"accept/connect/1": "ceiling/handler", "accept/grpc/5": "ceiling/handler-grpc", "accept/rest/100": "ceiling/handler",
		"deliver/1": "ceiling/post", "fanout/1300": "ceiling/post", "reads/cached": "reads/uncached" + keyMark,
	} {
		if found, ok := of[name+keyMark]; !ok || found != want {
			t.Errorf("%s is a share of %q, want %q", name, found, want)
		}
	}
}

// TestMark checks that a scenario without a mark exists, and that no figure has one without
// -auth.
func TestMark(t *testing.T) {
	marked := 0
	for _, p := range scenarios() {
		if got := p.mark(options{}); got != "" {
			t.Errorf("without -auth the figures of %s end with %q", p.name, got)
		}
		if p.mark(options{Auth: true}) == keyMark {
			marked++
		}
	}
	if want := len(scenarios()) - len(withoutKeys); marked != want {
		t.Errorf("-auth changes %d scenarios, want %d: withoutKeys names one that does not exist", marked, want)
	}
}

// TestRetention deletes from ledgers of few deliveries, and checks that the figures exist.
func TestRetention(t *testing.T) {
	if testing.Short() {
		t.Skip("runs other processes for seconds")
	}
	o, err := parse([]string{"-time=300ms", "-dir=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	st, err := newStage(t.Context(), o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.close(); err != nil {
			t.Error(err)
		}
	}()
	figures, err := (&scene{stage: st}).perform(func(s *scene) { s.retention("20k", 20_000, 1) })
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]figure.Summary{}
	for _, f := range figure.Summarize(figures) {
		by[f.Name] = f
	}
	for _, kind := range kinds {
		for _, what := range []string{"forever", "deliver", "deliver/forgotten", "forever/p99", "latency/p99", "latency/forgotten"} {
			f, ok := by[name("retention", kind, "20k", what)]
			left := len(st.notes) > 0 && kind == "postgres"
			none := f.Value <= 0 && !strings.HasSuffix(what, "forgotten") // possibly none in so short a time
			if ok == left || ok && none {
				t.Errorf("%s of %s: %+v, %v", what, kind, f, st.notes)
			}
		}
	}
	if f := by["retention/sqlite/20k/deliver"]; f.Of != "retention/sqlite/20k/forever" || f.Share <= 0 {
		t.Errorf("%+v is not a share", f)
	}
}

// TestJoin adds an earlier run: figures of both are those of the later one, and the page
// has the number of runs of each.
func TestJoin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "earlier.json")
	earlier := results{Runs: 2, Figures: []figure.Summary{{Name: "a", Unit: "ms", Value: 1, Runs: 2}, {Name: "b", Unit: "ms", Value: 2, Runs: 2}}}
	if err := earlier.write(options{JSON: file}, io.Discard); err != nil {
		t.Fatal(err)
	}
	read, err := readResults(file)
	if err != nil {
		t.Fatal(err)
	}
	r := results{Runs: 5, Figures: []figure.Summary{{Name: "b", Unit: "ms", Value: 3, Runs: 5}, {Name: "c", Unit: "ms", Value: 4, Runs: 4, Note: "so"}}}
	r.join(read)
	page := r.markdown()
	for _, line := range []string{"| b | 3.00 ms |  |", "| c | 4.00 ms | so; runs: 4 |", "| a | 1.00 ms | runs: 2 |"} {
		if !strings.Contains(page, line) {
			t.Errorf("the page lacks %q:\n%s", line, page)
		}
	}
	if len(r.Figures) != 3 {
		t.Errorf("joined: %+v", r.Figures)
	}
	if _, err := readResults(file + "x"); err == nil {
		t.Error("a missing file was read")
	}
}

// TestBudgetsNameScenarios checks that a scenario measures the figure of every budget.
func TestBudgetsNameScenarios(t *testing.T) {
	prefixes := []string{"accept/", "accept-key/", "accept-incident/", "deliver/", "latency/", "fanout/", "flood/", "growth/", "retention/", "route/", "cost/", "senders/", "postgres/", "traces/"}
	for _, b := range budgets {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(b.Figure, p) }) {
			t.Errorf("%q is of %s, which no scenario measures", b.What, b.Figure)
		}
	}
}

func TestJudge(t *testing.T) {
	measured := []figure.Summary{{Name: "a", Unit: "ms", Value: 25, Of: "b", Share: 0.4, Runs: 1}}
	for _, row := range []struct {
		budget budget
		want   string
	}{
		{budget{Limit: 25}, "met"},
		{budget{Limit: 24}, "missed"},
		{budget{Limit: 26}, "met"},
		{budget{Limit: 26, Stretch: 25}, "met, with the stretch"},
		{budget{Limit: 26, Stretch: 24}, "met"},
		{budget{Limit: 25, AtLeast: true}, "met"},
		{budget{Limit: 24, AtLeast: true}, "met"},
		{budget{Limit: 24, Stretch: 25, AtLeast: true}, "met, with the stretch"},
		{budget{Limit: 24, Stretch: 26, AtLeast: true}, "met"},
		{budget{Limit: 26, AtLeast: true}, "missed"},
		{budget{Limit: 0.4, Share: true, AtLeast: true}, "met"},
		{budget{Limit: 0.5, Share: true, AtLeast: true}, "missed"},
		{budget{Limit: 0.5, Share: true}, "met"},
		{budget{Figure: "unknown", Limit: 1}, "not measured"},
	} {
		row.budget.Figure = cmp.Or(row.budget.Figure, "a")
		if got := judge([]budget{row.budget}, measured); len(got) != 1 || got[0].word() != row.want || got[0].Met == (row.want == "missed" || row.want == "not measured") {
			t.Errorf("%+v, want %s: %+v", row.budget, row.want, got)
		}
	}
}

// TestCheckFlood checks the order of refusals: of the limit, and then of the ban.
func TestCheckFlood(t *testing.T) {
	const limited, banned = connect.CodeResourceExhausted, connect.CodePermissionDenied
	for _, row := range []struct {
		name  string
		codes []connect.Code
		ok    bool
	}{
		{"limited, then banned", []connect.Code{served, served, limited, served, limited, banned, banned}, true},
		{"concurrent requests may overtake", []connect.Code{served, limited, banned, limited, banned}, true},
		{"none refused", []connect.Code{served, served}, false},
		{"never banned", []connect.Code{served, limited, limited}, false},
		{"never limited", []connect.Code{served, banned, banned}, false},
		{"banned before it was limited", []connect.Code{served, banned, limited, banned}, false},
		{"the ban ends", []connect.Code{served, limited, banned, served}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := checkFlood(row.codes); (err == nil) != row.ok {
				t.Errorf("%v: %v", row.codes, err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, row := range []struct {
		args  string
		names string // scenarios to run; empty for an error
	}{
		{"", "ceilings accept accept-key accept-incident deliver latency fanout inbox reads route flood traces cost senders postgres alertmanager rabbitmq"},
		{"-long", "ceilings accept accept-key accept-incident deliver latency fanout inbox reads route flood traces cost senders postgres alertmanager rabbitmq crowd backlog growth growth10 retention"},
		{"-run=growth,accept", "growth accept"},
		{"-run=nothing", ""},
		{"-runs=0", ""},
		{"-time=0s", ""},
		{"accept", ""},
	} {
		o, err := parse(strings.Fields(row.args))
		var names []string
		if err == nil {
			var some []scenario
			some, err = chosen(o)
			for _, s := range some {
				names = append(names, s.name)
			}
		}
		if got := strings.Join(names, " "); got != row.names || (err != nil) != (row.names == "") {
			t.Errorf("%q runs %q, %v", row.args, got, err)
		}
	}
}

func TestProcFiles(t *testing.T) {
	stat := "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 1 2 3 4 250 125 7 8 20 0 9 0 1000 1 2"
	if got, err := cpuTime(stat); err != nil || got != 3750*time.Millisecond {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := cpuTime("nonsense"); err == nil {
		t.Error("a malformed stat was parsed")
	}
	status := "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n"
	if got, err := kilobytes(status, "VmRSS"); err != nil || got != 1024 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := kilobytes(status, "RSS"); err == nil {
		t.Error("a suffix of a field's name was accepted")
	}
}

func TestNumber(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.04213: "0.0421", 0.4: "0.400", 7.123: "7.12", 25: "25.0", 123.4: "123", 45678: "45678", math.NaN(): "NaN"} {
		if got := number(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
}

func TestReached(t *testing.T) {
	if got := reached(1000, 960, time.Second); got != "" {
		t.Errorf("960 of 1000: %q", got)
	}
	if got := reached(1000, 1000, 2*time.Second); got != "not reached: 0.50 of it" {
		t.Errorf("1000 in two seconds: %q", got)
	}
}
