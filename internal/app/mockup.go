package app

import (
	"context"
	"net/http"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/internal/rpc"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// mockupHere runs the fakes of the providers in this process.
func (b *builder) mockupHere(ctx context.Context) error {
	fakes := mockup.New(b.config.Calls)
	return b.listen(ctx, last, Mockup, rpc.Face{
		Services: []rpc.Service{
			rpc.Internal(b.rpc, mockupv1connect.NewMockupServiceHandler, mockupv1connect.MockupServiceHandler(&mockup.Handler{Mockup: fakes})),
		},
		Ready: all(nil),
		Extra: map[string]http.Handler{"/": fakes.Fakes()},
	})
}
