package monitor

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A WatchdogMail sends the changes of a watchdog by mail, without the sender and the queue.
type WatchdogMail struct {
	// Messenger sends mail. Its outcomes have no secrets.
	Messenger interface {
		Send(ctx context.Context, m messenger.Message) messenger.Outcome
	}
	Relay string   // the credential of Messenger, with the password of the mail relay
	To    []string // mail addresses; empty for none
}

// send sends a change to an address.
func (w WatchdogMail) send(ctx context.Context, to string, change watchdogState) error {
	ctx, cancel := context.WithTimeout(ctx, watchdogTimeout)
	defer cancel()
	o := w.Messenger.Send(ctx, change.mail(w.Relay, to))
	if o.Kind == messenger.Sent {
		return nil
	}
	return fmt.Errorf("mail not sent (%s): %s", cmp.Or(o.Code, "no code"), o.Excerpt)
}

// mail returns the mail of a change. Its id is the same for each attempt, so that clients show a repeated
// mail once.
func (s watchdogState) mail(relay, to string) messenger.Message {
	id := fnv.New64a()
	_, _ = fmt.Fprintf(id, "%s %s %s %d", s.Host, s.Name, s.State, s.Since.UnixMicro())
	severity := "critical"
	if s.state == Up {
		severity = "normal"
	}
	return messenger.Message{
		DeliveryID: int64(id.Sum64() >> 1), Time: s.Since, Credential: relay, Destination: to, Severity: severity, Title: s.Text,
		Text: fmt.Sprintf("%s\n\nsince %s\non %s\n\nThe watchdog of Bongsu sent this mail directly, without its alert service and its senders.", s.Text, s.Since.Format("2006-01-02 15:04:05 UTC"), s.Host),
	}
}
