package web

import (
	"cmp"
	"net/http"
	"net/url"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
)

// An inboxPage is what the page of the inbox shows.
type inboxPage struct {
	Items  []*inboxv1.Item
	Next   string // the link to the next page; empty for none
	Unread string // the position up to which the items of this page can be marked as read; empty if all are
}

// inbox shows the notifications of the customer.
func (h *handler) inbox(w http.ResponseWriter, r *http.Request) error {
	res, err := h.edge.inbox.List(r.Context(), &inboxv1.ListRequest{PageToken: r.URL.Query().Get("page")})
	if err != nil {
		return err
	}
	page := inboxPage{Items: res.GetItems(), Next: nextPage("/inbox", url.Values{}, res.GetNextPageToken())}
	for _, item := range page.Items {
		if item.GetReadTime() == nil {
			page.Unread = later(page.Unread, item.GetPosition())
		}
	}
	h.render(w, r, view{Name: "inbox", Title: "Inbox", Data: page}, nil)
	return nil
}

// later returns the greater one of two positions, which are decimal numbers.
func later(a, b string) string {
	if cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) < 0 {
		return b
	}
	return a
}

// markRead marks the notifications up to a position as read.
func (h *handler) markRead(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.edge.inbox.MarkAllRead(r.Context(), &inboxv1.MarkAllReadRequest{UpToId: r.PostFormValue("up_to")}); err != nil {
		return err
	}
	http.Redirect(w, r, "/inbox", http.StatusSeeOther)
	return nil
}
