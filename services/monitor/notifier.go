package monitor

import (
	"context"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/outbox"
)

// A Notifier sends notices: an alert for each, until the alert service has recorded it. Several
// processes share the notices of a store.
type Notifier = outbox.Sender[Notice, struct{}]

// NewNotifier returns a notifier.
func NewNotifier(notices Notices, alerts Alerts, now func() time.Time, log *slog.Logger) *Notifier {
	return outbox.NewSender[Notice, struct{}]("monitor", noticeOutbox{notices, alerts}, now, log)
}

// A noticeOutbox is the outbox of notices.
type noticeOutbox struct {
	notices Notices
	alerts  Alerts
}

// Claim implements outbox.Outbox.
func (o noticeOutbox) Claim(ctx context.Context, now, until time.Time, limit int) ([]Notice, error) {
	return o.notices.ClaimNotices(ctx, now, until, limit)
}

// Send implements outbox.Outbox.
func (o noticeOutbox) Send(ctx context.Context, n Notice) (struct{}, error) {
	return struct{}{}, o.alerts.Send(ctx, n)
}

// Sent implements outbox.Outbox.
func (o noticeOutbox) Sent(ctx context.Context, n Notice, _ struct{}) error {
	return o.notices.NoticeSent(ctx, n)
}

// Refused implements outbox.Outbox.
func (o noticeOutbox) Refused(ctx context.Context, n Notice) error {
	return o.notices.NoticeSent(ctx, n)
}

// Delay implements outbox.Outbox.
func (o noticeOutbox) Delay(ctx context.Context, n Notice, due time.Time) error {
	return o.notices.DelayNotice(ctx, n, due)
}

// Describe implements outbox.Outbox.
func (o noticeOutbox) Describe(n Notice) (attempt int, attributes []any) {
	return n.Attempt, []any{"monitor", n.Monitor}
}
