package inbox

import (
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
)

var _ inboxv1connect.InboxServiceHandler = (*Handler)(nil)

// A Handler implements InboxService. The nickname of a request is set, and is that of a user
// whose inbox the caller may see: the edge checked both.
type Handler struct {
	inboxv1connect.UnimplementedInboxServiceHandler

	Store Store
	Hub   *Hub // of Watch
	Now   func() time.Time
}
