package access

import (
	"context"
	"strconv"
	"strings"
	"time"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// ListAuditEntries returns a page of the audit log, latest first.
func (h *Handler) ListAuditEntries(ctx context.Context, req *accessv1.ListAuditEntriesRequest) (*accessv1.ListAuditEntriesResponse, error) {
	after, err := readAuditPageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	limit := pageSize(req.GetPageSize())
	entries, err := h.Store.Entries(ctx, AuditQuery{
		Caller: req.GetCaller(), Procedure: req.GetProcedure(), Resource: req.GetResource(),
		From: timeFromWire(req.GetTimeFrom()), Before: timeFromWire(req.GetTimeBefore()), After: after, Limit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	res := &accessv1.ListAuditEntriesResponse{Entries: make([]*accessv1.AuditEntry, 0, len(entries))}
	if len(entries) > limit {
		entries = entries[:limit]
		res.NextPageToken = auditPageToken(entries[limit-1])
	}
	for _, e := range entries {
		res.Entries = append(res.Entries, entryToWire(e))
	}
	return res, nil
}

// auditPageToken returns the token of the page that begins after an entry: its time in
// microseconds and its id.
func auditPageToken(e AuditEntry) string {
	return strconv.FormatInt(e.Time.UnixMicro(), 10) + "." + e.ID
}

// readAuditPageToken returns the place after which a page begins; the zero value for the first
// page.
func readAuditPageToken(token string) (AuditCursor, error) {
	if token == "" {
		return AuditCursor{}, nil
	}
	micros, id, ok := strings.Cut(token, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if !ok || err != nil || id == "" {
		return AuditCursor{}, fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
	}
	return AuditCursor{Time: time.UnixMicro(n), ID: id}, nil
}
