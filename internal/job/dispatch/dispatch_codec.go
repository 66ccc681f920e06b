package dispatch

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/outcome"
)

// ClaimToWire returns a claim that was requested at now. Its lease is at most the given
// one: that of a repeated claim is the rest of the first one, whatever the clock did
// meanwhile.
func ClaimToWire(c Claim, now time.Time, lease time.Duration) *jobv1.Claim {
	return &jobv1.Claim{
		DeliveryId:        c.DeliveryID,
		Fence:             c.Fence,
		Attempt:           int32(c.Attempt),
		PossibleDuplicate: c.PossibleDuplicate,
		LeaseExpireTime:   timestamppb.New(c.LeaseExpireTime),
		Lease:             durationpb.New(min(max(c.LeaseExpireTime.Sub(now), 0), lease)),
	}
}

// ClaimFromWire returns the claim of a request at the time requested, by the clock of the
// caller. LeaseExpireTime is by that clock too, unless an older alert service sent no
// duration.
func ClaimFromWire(wire *jobv1.Claim, requested time.Time) Claim {
	c := Claim{
		DeliveryID:        wire.GetDeliveryId(),
		Fence:             wire.GetFence(),
		Attempt:           int(wire.GetAttempt()),
		PossibleDuplicate: wire.GetPossibleDuplicate(),
		LeaseExpireTime:   wire.GetLeaseExpireTime().AsTime(),
	}
	if wire.GetLease() != nil {
		c.LeaseExpireTime = requested.Add(wire.GetLease().AsDuration())
	}
	return c
}

// ReportToWire returns the Protobuf message of a report.
func ReportToWire(r Report) *jobv1.Report {
	return &jobv1.Report{
		DeliveryId: r.DeliveryID,
		Fence:      r.Fence,
		StartTime:  timestamppb.New(r.StartTime),
		EndTime:    timestamppb.New(r.EndTime),
		Outcome:    outcome.ToWire(r.Outcome),

		SealedCredential: r.SealedCredential,
	}
}

// ReportFromWire returns the report of a Protobuf message.
func ReportFromWire(wire *jobv1.Report) Report {
	return Report{
		DeliveryID: wire.GetDeliveryId(),
		Fence:      wire.GetFence(),
		StartTime:  wire.GetStartTime().AsTime(),
		EndTime:    wire.GetEndTime().AsTime(),
		Outcome:    outcome.FromWire(wire.GetOutcome()),

		SealedCredential: wire.GetSealedCredential(),
	}
}

// DeferralToWire returns a deferral that is requested at now.
func DeferralToWire(d Deferral, now time.Time) *jobv1.Deferral {
	return &jobv1.Deferral{
		DeliveryId: d.DeliveryID,
		Fence:      d.Fence,
		Time:       timestamppb.New(d.Time),
		Slots:      d.Slots,
		Wait:       durationpb.New(min(max(0, d.Time.Sub(now)), max(0, d.Wait))),
	}
}

// DeferralFromWire returns a deferral that arrived at now. Time is by the clock of the
// caller, unless an older sender sent no wait.
func DeferralFromWire(wire *jobv1.Deferral, now time.Time) Deferral {
	d := Deferral{DeliveryID: wire.GetDeliveryId(), Fence: wire.GetFence(), Time: wire.GetTime().AsTime(), Slots: wire.GetSlots()}
	if wire.GetWait() != nil {
		d.Wait = max(0, wire.GetWait().AsDuration())
		d.Time = now.Add(d.Wait)
	}
	return d
}
