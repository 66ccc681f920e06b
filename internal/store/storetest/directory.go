// Package storetest has the conformance suites for the directory and the ledger: one suite for each
// interface, which each backend runs in one line.
package storetest

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/group"
)

// RunDirectory runs the suite against a directory. Each call of open returns an empty one, which is
// closed when the test ends.
func RunDirectory(t *testing.T, open func(t *testing.T) group.Directory) {
	for name, test := range map[string]func(*testing.T, group.Directory){
		"groups":               testGroups,
		"group pages":          testGroupPages,
		"group names":          testGroupNames,
		"members":              testMembers,
		"users":                testUsers,
		"user pages":           testUserPages,
		"rename":               testRename,
		"rename at once":       testRenameAtOnce,
		"names":                testNames,
		"addresses":            testAddresses,
		"addresses that moved": testMoveAddresses,
		"ranks":                testRanks,
		"change a user":        testChangeUser,
		"one name, many ask":   testOneName,
		"deleted while joined": testDeletedWhileJoined,
		"ids are not reused":   testDirectoryIDs,
		"find":                 testFind,
		"find nobody":          testFindNobody,
		"find very many":       testFindMany,
		"fill":                 testFill,
		"fill bad contents":    testFillBad,
		"fill at once":         testFillAtOnce,
		"keyless":              testKeyless,
		"bad input":            testDirectoryInput,
		"all":                  testAll,
		"change":               testChange,
		"change nothing":       testChangeNothing,
		"change or nothing":    testChangeFails,
		"change at once":       testChangeAtOnce,
		"seals":                testSeals,
		"reseal at once":       testResealAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// requireNoError ends the test unless err is nil.
func requireNoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// requireError fails the test unless err is kind and its text contains all of words.
func requireError(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not contain %q", err, word)
		}
	}
}

// requireEqual fails the test unless got equals want.
func requireEqual(t testing.TB, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// runConcurrently runs f n times concurrently and returns the errors.
func runConcurrently(n int, f func(i int) error) []error {
	errs, start := make([]error, n), make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// requireOneWinner fails the test unless all errors but one are fault.ErrExists.
func requireOneWinner(t testing.TB, errs []error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			requireError(t, err, fault.ErrExists)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won, want 1", won, len(errs))
	}
}
