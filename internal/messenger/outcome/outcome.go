// Package outcome converts outcomes to and from Protobuf. The enum numbers of messenger
// equal those of the wire.
package outcome

import (
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// ToWire returns an outcome as Protobuf, without Gone, which only the sender uses.
func ToWire(o messenger.Outcome) *messengerv1.Outcome {
	return &messengerv1.Outcome{
		Kind:              messengerv1.OutcomeKind(o.Kind),
		Scope:             messengerv1.Scope(o.Scope),
		ProviderStatus:    int32(o.Status),
		ProviderCode:      o.Code,
		ProviderMessageId: o.MessageID,
		Excerpt:           o.Excerpt,
		RetryAfterMs:      o.RetryAfter.Milliseconds(),
		Cut:               o.Truncated,
		MovedDestination:  o.Destination,
		Reference:         o.Reference,
		PreviousGone:      o.PreviousGone,
	}
}

// FromWire returns the outcome of a Protobuf message.
func FromWire(o *messengerv1.Outcome) messenger.Outcome {
	return messenger.Outcome{
		Kind:       messenger.OutcomeKind(o.GetKind()),
		Scope:      messenger.Scope(o.GetScope()),
		Status:     int(o.GetProviderStatus()),
		Code:       o.GetProviderCode(),
		MessageID:  o.GetProviderMessageId(),
		Excerpt:    o.GetExcerpt(),
		RetryAfter: time.Duration(o.GetRetryAfterMs()) * time.Millisecond,
		Truncated:  o.GetCut(),

		Destination: o.GetMovedDestination(),

		Reference:    o.GetReference(),
		PreviousGone: o.GetPreviousGone(),
	}
}
