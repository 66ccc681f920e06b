package alert

import "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"

var _ alertv1connect.CallbackEndpointServiceHandler = (*CallbackEndpointHandler)(nil)

// A CallbackEndpointHandler implements CallbackEndpointService.
type CallbackEndpointHandler struct {
	alertv1connect.UnimplementedCallbackEndpointServiceHandler
}
