package access

import (
	"context"
	"fmt"
	"unicode/utf8"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ accessv1connect.CredentialServiceHandler = (*CredentialHandler)(nil)

// maxEntryID is the maximum length of the id of an audit entry: a page token holds it.
const maxEntryID = 40

// A CredentialHandler implements CredentialService.
type CredentialHandler struct{ Store Store }

// FindKey returns a key with the hash of its secret.
func (h *CredentialHandler) FindKey(ctx context.Context, req *accessv1.FindKeyRequest) (*accessv1.FindKeyResponse, error) {
	k, err := h.Store.Key(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &accessv1.FindKeyResponse{Key: keyToWire(k), SecretHash: k.SecretHash}, nil
}

// RecordKeyUses records when keys were used.
func (h *CredentialHandler) RecordKeyUses(ctx context.Context, req *accessv1.RecordKeyUsesRequest) (*accessv1.RecordKeyUsesResponse, error) {
	uses := make([]KeyUse, 0, len(req.GetUses()))
	for _, u := range req.GetUses() {
		uses = append(uses, KeyUse{ID: u.GetId(), Time: timeFromWire(u.GetTime())})
	}
	if err := h.Store.RecordKeyUses(ctx, uses); err != nil {
		return nil, err
	}
	return &accessv1.RecordKeyUsesResponse{}, nil
}

// RecordAuditEntries adds entries to the audit log.
func (h *CredentialHandler) RecordAuditEntries(ctx context.Context, req *accessv1.RecordAuditEntriesRequest) (*accessv1.RecordAuditEntriesResponse, error) {
	entries := make([]AuditEntry, len(req.GetEntries()))
	for i, wire := range req.GetEntries() {
		e := &entries[i]
		*e = entryFromWire(wire)
		if e.ID == "" || len(e.ID) > maxEntryID && utf8.RuneCountInString(e.ID) > maxEntryID {
			return nil, fault.InvalidField(fmt.Sprintf("entries[%d].id", i), "must have 1 to %d characters", maxEntryID)
		}
		e.bound()
	}
	if err := h.Store.AddEntries(ctx, entries); err != nil {
		return nil, err
	}
	return &accessv1.RecordAuditEntriesResponse{}, nil
}
