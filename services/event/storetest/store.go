// Package storetest has the conformance suite for the store of the event service, which each
// backend runs in one line.
package storetest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/event"
)

// now is the time of the tests. Stores keep microseconds.
var now = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

// RunStore runs the suite against a store. Each call of open returns an empty one, which is
// closed when the test ends.
func RunStore(t *testing.T, open func(t *testing.T) event.Store) {
	for name, test := range map[string]func(*testing.T, event.Store){
		"rules":                  testRules,
		"rule pages":             testRulePages,
		"rule revisions":         testRuleRevisions,
		"rule changes at once":   testRuleChangesAtOnce,
		"invalid rules":          testInvalidRules,
		"batch is full":          testBatchIsFull,
		"batch is due":           testBatchIsDue,
		"batch keys":             testBatchKeys,
		"batch groups":           testBatchGroups,
		"batch lease":            testBatchLease,
		"batch that fails":       testFailBatch,
		"batches at once":        testBatchesAtOnce,
		"claims at once":         testClaimsAtOnce,
		"close batches":          testCloseBatches,
		"forget a batch":         testForgetBatch,
		"old batched keys":       testDeleteBatchedKeys,
		"nothing is no change":   testNothing,
		"more than a batch once": testMoreThanABatch,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}
