package inbox

import (
	"context"
	"strconv"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// defaultPage is the page size if the request sets none.
const defaultPage = 50

// List returns a page of items, the newest first. The token of the next page is the id of the
// last item.
func (h *Handler) List(ctx context.Context, req *inboxv1.ListRequest) (*inboxv1.ListResponse, error) {
	nickname, err := nicknameOf(req)
	if err != nil {
		return nil, err
	}
	before, err := parseID("page_token", req.GetPageToken())
	if err != nil || before == 0 && req.GetPageToken() != "" {
		return nil, fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
	}
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultPage
	}
	items, err := h.Store.Page(ctx, Query{
		Nickname: nickname, Before: before, UnreadOnly: req.GetUnreadOnly(), Archived: req.GetArchived(), Limit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	res := &inboxv1.ListResponse{}
	if len(items) > limit {
		items = items[:limit]
		res.NextPageToken = strconv.FormatInt(items[limit-1].ID, 10)
	}
	res.Items = itemsToWire(items)
	return res, nil
}

// CountUnread returns the number of unread items. Archived ones are read.
func (h *Handler) CountUnread(ctx context.Context, req *inboxv1.CountUnreadRequest) (*inboxv1.CountUnreadResponse, error) {
	nickname, err := nicknameOf(req)
	if err != nil {
		return nil, err
	}
	_, unread, err := h.Store.Last(ctx, nickname)
	return &inboxv1.CountUnreadResponse{Count: int32(unread)}, err
}

// MarkRead marks an item as read.
func (h *Handler) MarkRead(ctx context.Context, req *inboxv1.MarkReadRequest) (*inboxv1.MarkReadResponse, error) {
	nickname, err := nicknameOf(req)
	if err != nil {
		return nil, err
	}
	id, err := parseID("id", req.GetId())
	if err != nil {
		return nil, err
	}
	item, err := h.Store.MarkRead(ctx, nickname, id, h.Now())
	if err != nil {
		return nil, err
	}
	h.Reporter.Notify()
	return &inboxv1.MarkReadResponse{Item: itemToWire(item)}, nil
}

// MarkAllRead marks the items up to an id as read.
func (h *Handler) MarkAllRead(ctx context.Context, req *inboxv1.MarkAllReadRequest) (*inboxv1.MarkAllReadResponse, error) {
	nickname, err := nicknameOf(req)
	if err != nil {
		return nil, err
	}
	upTo, err := parseID("up_to_id", req.GetUpToId())
	if err != nil {
		return nil, err
	}
	n, err := h.Store.MarkAllRead(ctx, nickname, upTo, h.Now())
	if err != nil {
		return nil, err
	}
	if n > 0 {
		h.Reporter.Notify()
	}
	return &inboxv1.MarkAllReadResponse{Count: int32(n)}, nil
}

// Archive archives an item.
func (h *Handler) Archive(ctx context.Context, req *inboxv1.ArchiveRequest) (*inboxv1.ArchiveResponse, error) {
	nickname, err := nicknameOf(req)
	if err != nil {
		return nil, err
	}
	id, err := parseID("id", req.GetId())
	if err != nil {
		return nil, err
	}
	item, err := h.Store.Archive(ctx, nickname, id, h.Now())
	if err != nil {
		return nil, err
	}
	h.Reporter.Notify()
	return &inboxv1.ArchiveResponse{Item: itemToWire(item)}, nil
}
