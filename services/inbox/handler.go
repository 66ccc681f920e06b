package inbox

import (
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ inboxv1connect.InboxServiceHandler = (*Handler)(nil)

// A Handler implements InboxService. The nickname of a request is that of a user whose inbox the
// caller may see: the edge sets and checks it.
type Handler struct {
	inboxv1connect.UnimplementedInboxServiceHandler

	Store    Store
	Hub      *Hub          // of Watch
	Reporter *ReadReporter // is notified of reads; nil reports none
	Now      func() time.Time
}

// nicknameOf returns the canonical nickname of a request.
func nicknameOf(req interface{ GetNickName() string }) (string, error) {
	if req.GetNickName() == "" {
		return "", fault.InvalidField("nick_name", "must name the user whose inbox it is, because the caller's key or token has no nickname")
	}
	return target.CanonicalName(req.GetNickName()), nil
}

// parseID returns an id of a valid request; 0 for an empty one.
func parseID(field, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 0 {
		return 0, fault.InvalidField(field, "must be an id, at most 9223372036854775807")
	}
	return id, nil
}
