// Package storetest has the conformance suite for the store of the incident service, which each
// backend runs in one line.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// RunStore runs the suite against a store. Each call of open returns an empty one, which is
// closed when the test ends.
func RunStore(t *testing.T, open func(t *testing.T) incident.Store) {
	for name, test := range map[string]func(*testing.T, incident.Store){
		"lease":                   testLease,
		"apply":                   testApply,
		"apply again":             testApplyAgain,
		"apply without the lease": testApplyWithoutLease,
		"apply many":              testApplyMany,
		"apply superseded":        testApplySuperseded,
		"unstorable texts":        testUnstorable,
		"page":                    testPage,
		"revisions":               testRevisions,
		"modify":                  testModify,
		"modify at once":          testModifyAtOnce,
		"claim notices":           testClaimNotices,
		"claim notices at once":   testClaimAtOnce,
		"notice sent":             testNoticeSent,
		"delete":                  testDelete,
		"policies":                testPolicies,
		"escalation":              testEscalation,
		"escalation ends":         testEscalationEnds,
		"escalation of a group":   testEscalationOfGroup,
		"escalate at once":        testEscalateAtOnce,
		"silences":                testSilences,
		"silence pages":           testSilencePages,
		"expire silence":          testExpireSilence,
		"active silences":         testActiveSilences,
		"too many silences":       testTooManySilences,
		"delete silences":         testDeleteSilences,
		"silences at once":        testSilencesAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// now is the time of the tests. Stores keep microseconds.
var now = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

// at returns a time n seconds after now.
func at(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }

// holder has the lease of the changes.
const holder = "process-1"

// opened returns the change of an alert that opens an incident, at(id).
func opened(id int64) incident.Change {
	return incident.Change{ID: id, Incident: 100 + id, Kind: incident.ChangeOpened, Alert: incident.Alert{
		ID: 100 + id, Key: fmt.Sprintf("disk of db%d", id), Source: "grafana", Targets: []string{"@kim", "@@ops"}, By: []string{"slack", "email"},
		Severity: "high", Title: "Disk", Message: "disk is full", Link: "https://grafana.example/1", Time: at(int(id)),
	}}
}

// apply applies changes under the lease.
func apply(t testing.TB, s incident.Store, changes ...incident.Change) {
	t.Helper()
	_, leased, err := s.Lease(t.Context(), holder, now, at(3600))
	kittest.NoError(t, err)
	kittest.Equal(t, leased, true)
	kittest.NoError(t, s.Apply(t.Context(), holder, changes))
}

// get returns an incident.
func get(t testing.TB, s incident.Store, id int64) incident.Incident {
	t.Helper()
	i, err := s.Incident(t.Context(), id)
	kittest.NoError(t, err)
	return i
}

// entries returns the entries of an incident.
func entries(t testing.TB, s incident.Store, id int64) []incident.Entry {
	t.Helper()
	all, err := s.Entries(t.Context(), id, incident.MaxEntries)
	kittest.NoError(t, err)
	return all
}

// acknowledge acknowledges an incident.
func acknowledge(t testing.TB, s incident.Store, id int64, by string, when time.Time) incident.Incident {
	t.Helper()
	i, err := s.Modify(t.Context(), id, incident.Acknowledge(incident.Action{By: by, Time: when}))
	kittest.NoError(t, err)
	return i
}
