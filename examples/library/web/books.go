package web

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"

	productv1 "github.com/bongsu-project/bongsu/gen/go/library/product/v1"
	reservationv1 "github.com/bongsu-project/bongsu/gen/go/library/reservation/v1"
)

// A bookPage is what the page of the books shows.
type bookPage struct {
	Query string
	Books []book
	Next  string // the link to the next page; empty for none
	Form  string // the idempotency key of the forms of this page: sent twice, they do their work once
}

// A book is a book with its number of free copies.
type book struct {
	*productv1.Product
	Free int32
}

// books shows the books.
func (h *handler) books(w http.ResponseWriter, r *http.Request) error { return h.showBooks(w, r, nil) }

// showBooks shows the books, and what has failed before.
func (h *handler) showBooks(w http.ResponseWriter, r *http.Request, failed error) error {
	query := r.URL.Query().Get("query")
	res, err := h.edge.products.ListProducts(r.Context(), &productv1.ListProductsRequest{Query: query, PageToken: r.URL.Query().Get("page")})
	if err != nil {
		return err
	}
	page := bookPage{Query: query, Next: nextPage("/books", url.Values{"query": {query}}, res.GetNextPageToken()), Form: rand.Text()}
	for _, p := range res.GetProducts() {
		page.Books = append(page.Books, book{p, max(0, p.GetStock()-p.GetHeld())})
	}
	h.render(w, r, view{Name: "books", Title: "Books", Data: page}, failed)
	return nil
}

// reserve reserves a book.
func (h *handler) reserve(w http.ResponseWriter, r *http.Request) error {
	product := r.PostFormValue("product")
	res, err := h.edge.reservations.Reserve(r.Context(), &reservationv1.ReserveRequest{ProductId: product, IdempotencyKey: r.PostFormValue("form") + " " + product})
	if err != nil {
		return h.showBooks(w, r, err)
	}
	http.Redirect(w, r, "/mypage/"+url.PathEscape(res.GetReservation().GetId()), http.StatusSeeOther)
	return nil
}

// addStock puts copies of a book in stock, or of a new one with a title.
func (h *handler) addStock(w http.ResponseWriter, r *http.Request) error {
	copies, err := strconv.ParseInt(r.PostFormValue("copies"), 10, 32)
	if err != nil {
		return h.showBooks(w, r, errForm("The number of copies is not valid."))
	}
	product, title := r.PostFormValue("product"), r.PostFormValue("title")
	_, err = h.edge.products.AddStock(r.Context(), &productv1.AddStockRequest{
		ProductId: product, Title: title, Copies: int32(copies), IdempotencyKey: r.PostFormValue("form") + " " + product,
	})
	if err != nil {
		return h.showBooks(w, r, err)
	}
	http.Redirect(w, r, "/books", http.StatusSeeOther)
	return nil
}

// nextPage returns the link to the next page of a list by its token; empty for no token.
func nextPage(path string, query url.Values, token string) string {
	if token == "" {
		return ""
	}
	query.Set("page", token)
	return path + "?" + query.Encode()
}
