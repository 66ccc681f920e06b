package web

import (
	"net/http"

	deliveryv1 "github.com/bongsu-project/bongsu/gen/go/library/delivery/v1"
)

// A deliveryPage is what the page of the deliveries shows.
type deliveryPage struct {
	All        bool // not only those on their way
	Deliveries []delivery
	Next       string // the link to the next page; empty for none
}

// A delivery is a delivery as the page shows it.
type delivery struct{ *deliveryv1.Delivery }

// Started reports whether the delivery is on its way.
func (d delivery) Started() bool {
	return d.GetState() == deliveryv1.DeliveryState_DELIVERY_STATE_STARTED
}

// deliveries shows the deliveries, to the librarian.
func (h *handler) deliveries(w http.ResponseWriter, r *http.Request) error {
	return h.showDeliveries(w, r, nil)
}

// showDeliveries shows the deliveries, and the error of the action before.
func (h *handler) showDeliveries(w http.ResponseWriter, r *http.Request, failed error) error {
	query := r.URL.Query()
	page := deliveryPage{All: query.Has("all")}
	req := &deliveryv1.ListDeliveriesRequest{PageToken: query.Get("page")}
	if !page.All {
		req.State = deliveryv1.DeliveryState_DELIVERY_STATE_STARTED
	}
	res, err := h.edge.deliveries.ListDeliveries(r.Context(), req)
	if err != nil {
		return err
	}
	for _, d := range res.GetDeliveries() {
		page.Deliveries = append(page.Deliveries, delivery{d})
	}
	query.Del("page")
	page.Next = nextPage("/deliveries", query, res.GetNextPageToken())
	h.render(w, r, view{Name: "deliveries", Title: "Deliveries", Data: page}, failed)
	return nil
}

// complete notes that a book has arrived.
func (h *handler) complete(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.edge.deliveries.CompleteDelivery(r.Context(), &deliveryv1.CompleteDeliveryRequest{Id: r.PostFormValue("delivery")}); err != nil {
		return h.showDeliveries(w, r, err)
	}
	http.Redirect(w, r, "/deliveries", http.StatusSeeOther)
	return nil
}
