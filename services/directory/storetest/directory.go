// Package storetest has the conformance suite for the directory, which each backend runs in one
// line.
package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/services/directory"
)

// RunDirectory runs the suite against a directory. Each call of open returns an empty one, which is
// closed when the test ends.
func RunDirectory(t *testing.T, open func(t *testing.T) directory.Directory) {
	for name, test := range map[string]func(*testing.T, directory.Directory){
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
		"quiet hours":          testQuietHours,
		"one name, many ask":   testOneName,
		"deleted while joined": testDeletedWhileJoined,
		"ids are not reused":   testDirectoryIDs,
		"find":                 testFind,
		"find nobody":          testFindNobody,
		"find very many":       testFindMany,
		"fill":                 testFill,
		"fill bad contents":    testFillBad,
		"fill at once":         testFillAtOnce,
		"without fingerprint":  testWithoutFingerprint,
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
