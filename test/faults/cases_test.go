package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// A faultCase is one case of the matrix.
type faultCase struct {
	store    string // sqlite, postgres
	layout   string // one: all in one process; apart: group, alert, two senders, broker; pairs: two of each and a broker
	kill     string // edge, group, alert, sender, broker, all, none
	provider string // key of providers
	wipe     bool   // delete the folder of JetStream at run time
	auth     bool   // callers need an API key; apart then has an edge and an access service too
}

func (c faultCase) String() string {
	jetstream := "kept"
	if c.wipe {
		jetstream = "deleted"
	}
	name := fmt.Sprintf("%s,%s,kill=%s,provider=%s,jetstream=%s", c.store, c.layout, c.kill, c.provider, jetstream)
	if c.auth {
		name += ",auth=key"
	}
	return name
}

// withAuth returns cases in a random order that depends on the seed only. In the first half
// of them, or in all if keys are needed everywhere, callers need an API key.
func withAuth(cases []faultCase) []faultCase {
	cases = slices.SortedFunc(slices.Values(cases), func(a, b faultCase) int { return strings.Compare(a.String(), b.String()) })
	draw("auth").Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
	for i := range cases {
		cases[i].auth = keysEverywhere || i < (len(cases)+1)/2
	}
	return cases
}

// quiet reports whether no fault of the case can cause a duplicate.
func (c faultCase) quiet() bool { return c.kill == "none" && !providers[c.provider].breaks }

// A provider is a behaviour of the fake.
type provider struct {
	fault  *mockupv1.Fault
	breaks bool // it may execute a call without a response
}

var providers = map[string]provider{
	"ok":           {&mockupv1.Fault{}, false},
	"500":          {&mockupv1.Fault{Share: 0.2, Status: 500}, false},
	"429":          {&mockupv1.Fault{Share: 0.2, Status: 429, Headers: map[string]string{"Retry-After": strconv.Itoa(int(pauseAsked.Seconds()))}}, false},
	"slow":         {&mockupv1.Fault{Share: 0.3, Delay: durationpb.New(500 * time.Millisecond)}, false},
	"hangs":        {&mockupv1.Fault{Share: 0.1, Delay: durationpb.New(time.Hour)}, true},
	"closes":       {&mockupv1.Fault{Share: 0.2, CloseConnection: true}, true},
	"answers-dies": {&mockupv1.Fault{Share: 0.2, CutAnswer: true}, true},
}

// few is the matrix of a short run, some that of a usual run.
var (
	few = []faultCase{
		{store: "sqlite", layout: "one", kill: "all", provider: "ok"},
		{store: "sqlite", layout: "apart", kill: "sender", provider: "slow"},
		{store: "sqlite", layout: "apart", kill: "none", provider: "500", wipe: true},
	}
	some = append(few,
		faultCase{store: "sqlite", layout: "one", kill: "none", provider: "429", wipe: true},
		faultCase{store: "sqlite", layout: "one", kill: "all", provider: "answers-dies", wipe: true},
		faultCase{store: "sqlite", layout: "apart", kill: "alert", provider: "ok"},
		faultCase{store: "sqlite", layout: "apart", kill: "broker", provider: "429", wipe: true},
		faultCase{store: "postgres", layout: "one", kill: "all", provider: "500"},
		faultCase{store: "postgres", layout: "apart", kill: "alert", provider: "429"},
		faultCase{store: "postgres", layout: "apart", kill: "sender", provider: "closes"},
		faultCase{store: "postgres", layout: "apart", kill: "broker", provider: "ok"},
		faultCase{store: "postgres", layout: "apart", kill: "all", provider: "answers-dies", wipe: true},
		faultCase{store: "postgres", layout: "apart", kill: "none", provider: "slow", wipe: true},
		faultCase{store: "sqlite", layout: "apart", kill: "directory", provider: "hangs"},
		faultCase{store: "postgres", layout: "pairs", kill: "alert", provider: "ok"},
		faultCase{store: "postgres", layout: "pairs", kill: "edge", provider: "429"},
		faultCase{store: "postgres", layout: "pairs", kill: "all", provider: "hangs", wipe: true},
	)
)

// kills holds the parts to kill in each layout: one process is only killed whole.
var kills = map[string][]string{
	"one":   {"none", "all"},
	"apart": {"none", "directory", "alert", "sender", "broker", "all"},
	"pairs": {"none", "edge", "directory", "alert", "sender", "broker", "all"},
}

// every returns the full matrix. Two alert services share a ledger only on PostgreSQL.
func every() []faultCase {
	var all []faultCase
	for _, store := range []string{"sqlite", "postgres"} {
		for layout, kills := range kills {
			if layout == "pairs" && store != "postgres" {
				continue
			}
			for _, kill := range kills {
				for provider := range providers {
					for _, wipe := range []bool{false, true} {
						all = append(all, faultCase{store: store, layout: layout, kill: kill, provider: provider, wipe: wipe})
					}
				}
			}
		}
	}
	return all
}
