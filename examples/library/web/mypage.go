package web

import (
	"net/http"
	"net/url"

	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"
	reservationv1 "github.com/bongsu-project/bongsu/gen/go/library/reservation/v1"
)

// An entryPage is what MyPage shows.
type entryPage struct {
	Entries []entry
	Next    string // the link to the next page; empty for none
	Live    bool   // the page follows changes: it is the first one
}

// An entry is an entry of MyPage.
type entry struct{ *mypagev1.Entry }

// Cancelable reports whether the customer can still cancel the reservation.
func (e entry) Cancelable() bool { return e.GetState() < mypagev1.EntryState_ENTRY_STATE_DELIVERED }

// myPage shows the reservations of the customer.
func (h *handler) myPage(w http.ResponseWriter, r *http.Request) error {
	return h.showMyPage(w, r, nil)
}

// showMyPage shows MyPage, and what has failed before.
func (h *handler) showMyPage(w http.ResponseWriter, r *http.Request, failed error) error {
	token := r.URL.Query().Get("page")
	res, err := h.edge.myPage.ListEntries(r.Context(), &mypagev1.ListEntriesRequest{PageToken: token})
	if err != nil {
		return err
	}
	page := entryPage{Next: nextPage("/mypage", url.Values{}, res.GetNextPageToken()), Live: token == ""}
	for _, e := range res.GetEntries() {
		page.Entries = append(page.Entries, entry{e})
	}
	h.render(w, r, view{Name: "mypage", Title: "MyPage", Data: page}, failed)
	return nil
}

// reservation shows a reservation on MyPage: it is where the links of notifications lead.
func (h *handler) reservation(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/mypage#r-"+url.PathEscape(r.PathValue("id")), http.StatusSeeOther)
	return nil
}

// cancel cancels a reservation. While delivery does not respond, MyPage shows that it is refused.
func (h *handler) cancel(w http.ResponseWriter, r *http.Request) error {
	id := r.PostFormValue("reservation")
	if _, err := h.edge.reservations.CancelReservation(r.Context(), &reservationv1.CancelReservationRequest{Id: id}); err != nil {
		return h.showMyPage(w, r, err)
	}
	http.Redirect(w, r, "/mypage#r-"+url.PathEscape(id), http.StatusSeeOther)
	return nil
}
