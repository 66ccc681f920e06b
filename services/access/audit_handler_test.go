package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
)

func entry(i int) *accessv1.AuditEntry {
	return &accessv1.AuditEntry{
		Id: fmt.Sprintf("e%d", i), Time: timestamppb.New(now.Add(time.Duration(i/2) * time.Second)), Caller: "k1", CallerName: "ops", Address: "10.0.0.7",
		Procedure: "bongsu.group.v1.GroupService/CreateGroup", Resource: fmt.Sprintf("groups/%d", i), Outcome: "ok", RequestId: "r", TraceId: "t",
	}
}

func TestAuditPages(t *testing.T) {
	h := handler(t)
	credentials := &access.CredentialHandler{Store: h.Store}
	record := &accessv1.RecordAuditEntriesRequest{}
	for i := range 5 {
		record.Entries = append(record.Entries, entry(i))
	}
	for range 2 { // as an edge does that got no response
		_, err := credentials.RecordAuditEntries(t.Context(), record)
		kittest.NoError(t, err)
	}
	next := 4
	req := &accessv1.ListAuditEntriesRequest{PageSize: 2}
	for {
		res, err := h.ListAuditEntries(t.Context(), req)
		kittest.NoError(t, err)
		for _, got := range res.GetEntries() {
			if !proto.Equal(got, entry(next)) {
				t.Errorf("the entry is %v, want %v", got, entry(next))
			}
			next--
		}
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	kittest.Equal(t, next, -1)

	res, err := h.ListAuditEntries(t.Context(), &accessv1.ListAuditEntriesRequest{
		Caller: "k1", Procedure: "bongsu.group.v1.GroupService", TimeFrom: timestamppb.New(now.Add(time.Second)), TimeBefore: timestamppb.New(now.Add(2 * time.Second)),
	})
	kittest.NoError(t, err)
	kittest.Equal(t, len(res.GetEntries()), 2)
	for _, token := range []string{"x", "5", "5.", ".e1", "x.e1"} {
		_, err = h.ListAuditEntries(t.Context(), &accessv1.ListAuditEntriesRequest{PageToken: token})
		kittest.Error(t, err, fault.ErrInvalid, "invalid page_token")
	}
}

// TestAuditEntryIsKept checks that no value of a caller keeps a call out of the audit log.
func TestAuditEntryIsKept(t *testing.T) {
	h := handler(t)
	credentials := &access.CredentialHandler{Store: h.Store}
	e := entry(1)
	e.Caller, e.CallerName, e.Resource = strings.Repeat("é", 1000), "a\x00b", strings.Repeat("x", 300)
	_, err := credentials.RecordAuditEntries(t.Context(), &accessv1.RecordAuditEntriesRequest{Entries: []*accessv1.AuditEntry{e}})
	kittest.NoError(t, err)
	res, err := h.ListAuditEntries(t.Context(), &accessv1.ListAuditEntriesRequest{})
	kittest.NoError(t, err)
	e.Caller, e.CallerName = strings.Repeat("é", 199)+"…", "a\ufffdb"
	if got := res.GetEntries(); len(got) != 1 || !proto.Equal(got[0], e) {
		t.Errorf("the entries are %v, want %v", got, e)
	}

	for _, id := range []string{"", strings.Repeat("x", 41)} {
		_, err := credentials.RecordAuditEntries(t.Context(), &accessv1.RecordAuditEntriesRequest{Entries: []*accessv1.AuditEntry{entry(2), {Id: id}}})
		kittest.Error(t, err, fault.ErrInvalid, "entries[1].id")
	}
}
