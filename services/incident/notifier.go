package incident

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// noticeLease is how long a claimed notice is kept from other processes: the time after
	// which they send the notices of one that was killed.
	noticeLease = 4 * time.Second
	// noticeTimeout is the timeout of sending one. It is shorter than the lease.
	noticeTimeout = 3 * time.Second
	// noticeInterval is the time between two queries for due notices.
	noticeInterval = time.Second
	// noticeLimit is the maximum number of notices of a query, which are sent concurrently.
	noticeLimit = 16
	// minNoticeRetry and maxNoticeRetry are the first and the longest wait after a failure; each
	// wait doubles the one before.
	minNoticeRetry, maxNoticeRetry = time.Second, 30 * time.Second
)

// A Notifier sends notices: an alert for each, until the alert service has recorded it. Several
// processes share the notices of a store.
type Notifier struct {
	notices Notices
	alerts  Alerts
	now     func() time.Time
	log     *slog.Logger

	notified chan struct{} // buffers one notification
}

// NewNotifier returns a notifier.
func NewNotifier(notices Notices, alerts Alerts, now func() time.Time, log *slog.Logger) *Notifier {
	return &Notifier{notices: notices, alerts: alerts, now: now, log: log, notified: make(chan struct{}, 1)}
}

// Notify makes the notifier read new notices. It does not block.
func (n *Notifier) Notify() {
	select {
	case n.notified <- struct{}{}:
	default:
	}
}

// Run runs until ctx ends. Notices of its last moments are sent after the next start, or by
// another process.
func (n *Notifier) Run(ctx context.Context) error {
	ticker := time.NewTicker(noticeInterval)
	defer ticker.Stop()
	failing := false
	for {
		err := n.sendDue(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			n.log.Warn("reading due notices of incidents failed; retrying", "error", err)
		}
		failing = err != nil
		select {
		case <-ticker.C:
		case <-n.notified:
		case <-ctx.Done():
			return nil
		}
	}
}

// sendDue sends notices until none is due.
func (n *Notifier) sendDue(ctx context.Context) error {
	for ctx.Err() == nil {
		now := n.now()
		claimed, err := n.notices.ClaimNotices(ctx, now, now.Add(noticeLease), noticeLimit)
		if err != nil || len(claimed) == 0 {
			return err
		}
		var all errgroup.Group
		for _, notice := range claimed {
			all.Go(func() error { return n.send(ctx, notice) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// send sends a notice. It returns an error of the store only.
func (n *Notifier) send(ctx context.Context, notice Notice) error {
	alertID, err := n.sendOnce(ctx, notice)
	switch {
	case err == nil:
		return n.notices.NoticeSent(ctx, notice, alertID)
	case ctx.Err() != nil:
		return nil //nolint:nilerr // the notice stays, and is claimed again
	case errors.Is(err, fault.ErrInvalid):
		n.log.Error("a notice of an incident was refused", "incident", notice.Incident, "error", err)
		return n.notices.NoticeRefused(ctx, notice)
	}
	if notice.Attempt == 1 {
		n.log.Warn("sending a notice of an incident failed; retrying", "incident", notice.Incident, "error", err)
	}
	wait := min(minNoticeRetry<<min(notice.Attempt-1, 10), maxNoticeRetry)
	return n.notices.DelayNotice(ctx, notice, n.now().Add(wait))
}

func (n *Notifier) sendOnce(ctx context.Context, notice Notice) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	return n.alerts.Send(ctx, notice)
}
