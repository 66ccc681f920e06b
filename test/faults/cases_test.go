package faults

import (
	"fmt"
	"strconv"
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
}

func (c faultCase) String() string {
	jetstream := "kept"
	if c.wipe {
		jetstream = "deleted"
	}
	return fmt.Sprintf("%s,%s,kill=%s,provider=%s,jetstream=%s", c.store, c.layout, c.kill, c.provider, jetstream)
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
		{"sqlite", "one", "all", "ok", false},
		{"sqlite", "apart", "sender", "slow", false},
		{"sqlite", "apart", "none", "500", true},
	}
	some = append(few,
		faultCase{"sqlite", "one", "none", "429", true},
		faultCase{"sqlite", "one", "all", "answers-dies", true},
		faultCase{"sqlite", "apart", "alert", "ok", false},
		faultCase{"sqlite", "apart", "broker", "429", true},
		faultCase{"postgres", "one", "all", "500", false},
		faultCase{"postgres", "apart", "alert", "429", false},
		faultCase{"postgres", "apart", "sender", "closes", false},
		faultCase{"postgres", "apart", "broker", "ok", false},
		faultCase{"postgres", "apart", "all", "answers-dies", true},
		faultCase{"postgres", "apart", "none", "slow", true},
		faultCase{"sqlite", "apart", "directory", "hangs", false},
		faultCase{"postgres", "pairs", "alert", "ok", false},
		faultCase{"postgres", "pairs", "edge", "429", false},
		faultCase{"postgres", "pairs", "all", "hangs", true},
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
						all = append(all, faultCase{store, layout, kill, provider, wipe})
					}
				}
			}
		}
	}
	return all
}
