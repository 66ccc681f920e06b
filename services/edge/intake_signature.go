package edge

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	intakev1 "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	"github.com/bongsu-project/bongsu/internal/intake"
	"github.com/bongsu-project/bongsu/kit/auth"
)

// intakePath is the prefix of the REST paths of intake, before the source.
const intakePath = "/v1/intake/"

// IsSigned reports whether a request without a caller may reach the handler: it is for a source
// whose requests are signed, over REST. The handler verifies the signature once it has the body.
func (h *IntakeHandler) IsSigned(r *http.Request) bool {
	name, ok := strings.CutPrefix(r.URL.Path, intakePath)
	return ok && procedureOf(r.Context()) == intakev1connect.IntakeServiceReceiveProcedure && h.Sources[name].Signature != nil
}

// errUnsigned is the error of a request without a caller for a source without signatures.
var errUnsigned = errors.New("credentials are required: the source has no signature")

// checkSender returns an error unless a request has a caller, who may send to every source, or
// the signature of its source, or neither is needed.
func (h *IntakeHandler) checkSender(ctx context.Context, req *intakev1.ReceiveRequest, source intake.Source, header http.Header) error {
	if _, ok := auth.CallerOf(ctx); ok {
		return nil
	}
	err := errUnsigned
	switch {
	case source.Signature != nil:
		err = source.Signature.Verify(header, req.GetBody().GetData(), h.Now())
	case !h.CallersOnly:
		err = nil
	}
	if err == nil {
		return nil
	}
	h.refuse(req.GetSource(), &intake.Problem{Reason: intake.BadSignature, Message: err.Error()})
	refused := connect.NewError(connect.CodeUnauthenticated, err)
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok && call.Peer().Protocol != connect.ProtocolGRPC { // by gRPC metadata are trailers, in which it is not allowed
		refused.Meta().Set("WWW-Authenticate", "Bearer")
	}
	return refused
}
