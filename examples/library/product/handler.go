package product

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	productv1 "github.com/bongsu-project/bongsu/gen/go/library/product/v1"
	"github.com/bongsu-project/bongsu/gen/go/library/product/v1/productv1connect"

	"github.com/bongsu-project/bongsu/kit/page"
)

// A Handler serves ProductService.
type Handler struct {
	Store *Store
	Now   func() time.Time
}

var _ productv1connect.ProductServiceHandler = (*Handler)(nil)

// AddStock implements ProductServiceHandler.
func (h *Handler) AddStock(ctx context.Context, req *productv1.AddStockRequest) (*productv1.AddStockResponse, error) {
	p, err := h.Store.Add(ctx, Addition{
		ProductID: cmp.Or(req.GetProductId(), uuid.Must(uuid.NewV7()).String()),
		Title:     req.GetTitle(), Copies: int(req.GetCopies()), Key: req.GetIdempotencyKey(),
	}, h.Now())
	if err != nil {
		return nil, err
	}
	return &productv1.AddStockResponse{Product: toProto(p)}, nil
}

// GetProduct implements ProductServiceHandler.
func (h *Handler) GetProduct(ctx context.Context, req *productv1.GetProductRequest) (*productv1.GetProductResponse, error) {
	p, err := h.Store.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &productv1.GetProductResponse{Product: toProto(p)}, nil
}

// ListProducts implements ProductServiceHandler.
func (h *Handler) ListProducts(ctx context.Context, req *productv1.ListProductsRequest) (*productv1.ListProductsResponse, error) {
	all, next, err := page.Of(req, func(p Product) string { return p.ID }, func(after string, limit int) ([]Product, error) {
		return h.Store.List(ctx, req.GetQuery(), after, limit)
	})
	if err != nil {
		return nil, err
	}
	res := &productv1.ListProductsResponse{NextPageToken: next}
	for _, p := range all {
		res.Products = append(res.Products, toProto(p))
	}
	return res, nil
}

func toProto(p Product) *productv1.Product {
	return &productv1.Product{
		Id: p.ID, Title: p.Title, UpdateTime: timestamppb.New(p.UpdateTime),
		Stock: int32(p.Stock), Held: int32(p.Held), Waiting: int32(p.Waiting),
	}
}
