package alert

import (
	"context"
	"strings"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

var _ alertv1connect.CallbackEndpointServiceHandler = (*CallbackEndpointHandler)(nil)

// A CallbackEndpointHandler implements CallbackEndpointService.
type CallbackEndpointHandler struct {
	Store     CallbackStore
	Key       *seal.Keyring // seals signing secrets; nil in a process without a seal key
	AllowHTTP bool          // allow http URLs
	Now       func() time.Time
}

// callbackOwner is the owner for which the signing secret of an endpoint is sealed: another
// URL cannot be signed for by writing it into the database.
func callbackOwner(name, url string) seal.Owner {
	return seal.Owner{Name: name, Service: "callback endpoint", Address: url}
}

// CreateCallbackEndpoint validates an endpoint, and stores it with its sealed secret.
func (h *CallbackEndpointHandler) CreateCallbackEndpoint(ctx context.Context, req *alertv1.CreateCallbackEndpointRequest) (*alertv1.CreateCallbackEndpointResponse, error) {
	if h.Key == nil {
		return nil, fault.WithReason(fault.Unavailablef("the alert service has no seal key for signing secrets; set its --seal-key-file"), "NO_SEAL_KEY")
	}
	if err := messenger.CheckURL(req.GetUrl()); err != nil {
		return nil, fault.InvalidField("url", "%w", err)
	}
	if !h.AllowHTTP && !strings.HasPrefix(req.GetUrl(), "https://") {
		return nil, fault.InvalidField("url", "must begin with https://; an operator can allow http by --allow-http")
	}
	secret := req.GetSecret()
	if secret == "" {
		secret = call.NewSigningSecret()
	}
	if _, err := call.ParseSigningSecret(secret); err != nil {
		return nil, fault.InvalidField("secret", "%w", err)
	}
	sealed, err := h.Key.SealForOwner(secret, callbackOwner(req.GetName(), req.GetUrl()))
	if err != nil {
		return nil, err
	}
	e := CallbackEndpoint{Name: req.GetName(), URL: req.GetUrl(), SealedSecret: sealed, CreateTime: h.Now()}
	if err := h.Store.AddCallbackEndpoint(ctx, e); err != nil {
		return nil, err
	}
	return &alertv1.CreateCallbackEndpointResponse{Endpoint: callbackEndpointToWire(e), Secret: secret}, nil
}

// ListCallbackEndpoints returns all endpoints by name.
func (h *CallbackEndpointHandler) ListCallbackEndpoints(ctx context.Context, _ *alertv1.ListCallbackEndpointsRequest) (*alertv1.ListCallbackEndpointsResponse, error) {
	all, err := h.Store.CallbackEndpoints(ctx)
	if err != nil {
		return nil, err
	}
	res := &alertv1.ListCallbackEndpointsResponse{Endpoints: make([]*alertv1.CallbackEndpoint, 0, len(all))}
	for _, e := range all {
		res.Endpoints = append(res.Endpoints, callbackEndpointToWire(e))
	}
	return res, nil
}

// DeleteCallbackEndpoint deletes an endpoint with its reports.
func (h *CallbackEndpointHandler) DeleteCallbackEndpoint(ctx context.Context, req *alertv1.DeleteCallbackEndpointRequest) (*alertv1.DeleteCallbackEndpointResponse, error) {
	if err := h.Store.DeleteCallbackEndpoint(ctx, req.GetName()); err != nil {
		return nil, err
	}
	return &alertv1.DeleteCallbackEndpointResponse{}, nil
}
