// Package storetest has the conformance suite for the store of the access service, which each
// backend runs in one line.
package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/services/access"
)

// RunStore runs the suite against a store; those of entries twice, with calls
// that are stored as rows and packed. Each call of open returns an empty one, which is closed
// when the test ends.
func RunStore(t *testing.T, open func(t *testing.T) access.Store) {
	run := func(t *testing.T, tests map[string]func(*testing.T, access.Store), as func(access.Store) access.Store) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, as(open(t)))
			})
		}
	}
	run(t, map[string]func(*testing.T, access.Store){
		"keys":                 testKeys,
		"key pages":            testKeyPages,
		"invalid keys":         testInvalidKeys,
		"first key":            testFirstKey,
		"first key at once":    testFirstKeyAtOnce,
		"revoke":               testRevoke,
		"key uses":             testKeyUses,
		"key uses at once":     testKeyUsesAtOnce,
		"many entries":         testManyEntries,
		"delete entries":       testDeleteEntries,
		"delete batches":       testDeleteBatches,
		"batch borders":        testBatchBorders,
		"audit model":          testAuditModel,
		"nothing is no change": testNothing,
	}, func(s access.Store) access.Store { return s })
	entryTests := map[string]func(*testing.T, access.Store){
		"entries":             testEntries,
		"entries again":       testEntriesAgain,
		"entries at once":     testEntriesAtOnce,
		"entries by field":    testEntryFilters,
		"entries by time":     testEntryTimes,
		"pages of one moment": testEntryPages,
		"special characters":  testCharacters,
		"unstorable texts":    testUnstorable,
		"limits are required": testLimits,
	}
	t.Run("single", func(t *testing.T) {
		run(t, entryTests, func(s access.Store) access.Store { return singleCalls{s} })
	})
	t.Run("packed", func(t *testing.T) {
		run(t, entryTests, func(s access.Store) access.Store { return packedCalls{s} })
	})
}

// singleCalls adds each entry by a call of its own, so that none is packed.
type singleCalls struct{ access.Store }

func (s singleCalls) AddEntries(ctx context.Context, entries []access.AuditEntry) error {
	for i := range entries {
		if err := s.Store.AddEntries(ctx, entries[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// packedCalls adds entries several times in one call, so that a store packs also few.
type packedCalls struct{ access.Store }

func (s packedCalls) AddEntries(ctx context.Context, entries []access.AuditEntry) error {
	if len(entries) == 0 {
		return s.Store.AddEntries(ctx, entries)
	}
	return s.Store.AddEntries(ctx, slices.Repeat(entries, 1+100/len(entries)))
}
