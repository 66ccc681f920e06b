// Package storetest has the conformance suite for the store of the access service, which each
// backend runs in one line.
package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/services/access"
)

// RunStore runs the suite against a store. Each call of open returns an empty one, which is closed
// when the test ends.
func RunStore(t *testing.T, open func(t *testing.T) access.Store) {
	for name, test := range map[string]func(*testing.T, access.Store){
		"keys":                 testKeys,
		"key pages":            testKeyPages,
		"invalid keys":         testInvalidKeys,
		"first key":            testFirstKey,
		"first key at once":    testFirstKeyAtOnce,
		"revoke":               testRevoke,
		"key uses":             testKeyUses,
		"key uses at once":     testKeyUsesAtOnce,
		"entries":              testEntries,
		"entries again":        testEntriesAgain,
		"entries at once":      testEntriesAtOnce,
		"entries by field":     testEntryFilters,
		"entries by time":      testEntryTimes,
		"pages of one moment":  testEntryPages,
		"many entries":         testManyEntries,
		"delete entries":       testDeleteEntries,
		"special characters":   testCharacters,
		"unstorable texts":     testUnstorable,
		"limits are required":  testLimits,
		"nothing is no change": testNothing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}
