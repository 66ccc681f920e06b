package inbox

import "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"

var _ inboxv1connect.InboxServiceHandler = (*Handler)(nil)

// A Handler implements InboxService.
type Handler struct {
	inboxv1connect.UnimplementedInboxServiceHandler
}
