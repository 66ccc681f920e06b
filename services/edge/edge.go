// Package edge is the service that faces callers: it answers everything public on
// one port, by every protocol, and passes each call on to the service that keeps
// the noun. It knows no rule of theirs.
package edge

import (
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1/callbackv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/rpc"
)

// An Edge passes calls on. Each field is the other service's handler in one
// process, and a generated client across processes: for unary calls they have the
// same methods.
type Edge struct {
	Groups     groupv1connect.GroupServiceClient
	Users      userv1connect.UserServiceClient
	Alerts     alertv1connect.AlertServiceHandler // a Relay across processes: it streams
	Messengers messengerv1connect.MessengerServiceClient
	Intake     *IntakeHandler
	Callbacks  *CallbackHandler
	Transfers  userv1connect.TransferServiceClient
}

// Services gives what the edge answers. UserInfo, DirectoryService and
// DispatchService are internal and are not here.
func (e Edge) Services(o rpc.Options) []rpc.Service {
	return []rpc.Service{
		rpc.Public(o, groupv1connect.NewGroupServiceHandler, groupv1connect.GroupServiceHandler(e.Groups)),
		rpc.Public(o, userv1connect.NewUserServiceHandler, userv1connect.UserServiceHandler(e.Users)),
		rpc.Public(o, alertv1connect.NewAlertServiceHandler, e.Alerts),
		rpc.Public(o, messengerv1connect.NewMessengerServiceHandler, messengerv1connect.MessengerServiceHandler(e.Messengers)),
		rpc.Public(o, intakev1connect.NewIntakeServiceHandler, intakev1connect.IntakeServiceHandler(e.Intake)),
		rpc.Public(o, callbackv1connect.NewCallbackServiceHandler, callbackv1connect.CallbackServiceHandler(e.Callbacks)),
		rpc.Bulk(o, userv1connect.NewTransferServiceHandler, userv1connect.TransferServiceHandler(e.Transfers)),
	}
}
