package dispatch_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

var now = time.Unix(1_800_000_000, 0).UTC()

func TestClaim(t *testing.T) {
	c := dispatch.Claim{DeliveryID: 7, Fence: 3, Attempt: 2, PossibleDuplicate: true, LeaseExpireTime: now.Add(40 * time.Second)}
	wire := dispatch.ClaimToWire(c, now, time.Minute)
	if got := dispatch.ClaimFromWire(wire, now); got != c {
		t.Errorf("%+v came back as %+v", c, got)
	}
	// The lease lasts its duration by the clock of the sender, and never longer than a
	// whole lease.
	if got := dispatch.ClaimFromWire(wire, now.Add(time.Hour)).LeaseExpireTime; !got.Equal(now.Add(time.Hour + 40*time.Second)) {
		t.Errorf("by a clock an hour ahead, the lease expires at %s", got)
	}
	if got := dispatch.ClaimToWire(c, now, 30*time.Second).GetLease().AsDuration(); got != 30*time.Second {
		t.Errorf("lease of %s", got)
	}
	if got := dispatch.ClaimToWire(c, now.Add(time.Hour), time.Minute).GetLease().AsDuration(); got != 0 {
		t.Errorf("lease of %s after it expired", got)
	}
	wire.Lease = nil // an older alert service
	if got := dispatch.ClaimFromWire(wire, now.Add(time.Hour)); got != c {
		t.Errorf("%+v came back as %+v", c, got)
	}
}

func TestReport(t *testing.T) {
	r := dispatch.Report{
		DeliveryID: 7, Fence: 3, StartTime: now, EndTime: now.Add(time.Second),
		Outcome: messenger.Outcome{Kind: messenger.Sent, Status: 200, MessageID: "m", Destination: "C2"}, SealedCredential: []byte("sealed"),
	}
	if got := dispatch.ReportFromWire(dispatch.ReportToWire(r)); !reflect.DeepEqual(got, r) {
		t.Errorf("%+v came back as %+v", r, got)
	}
}

func TestDeferral(t *testing.T) {
	d := dispatch.Deferral{DeliveryID: 7, Fence: 3, Time: now.Add(20 * time.Second), Wait: 20 * time.Second, Slots: "s"}
	wire := dispatch.DeferralToWire(d, now)
	if got := dispatch.DeferralFromWire(wire, now); got != d {
		t.Errorf("%+v came back as %+v", d, got)
	}
	if got := dispatch.DeferralFromWire(wire, now.Add(time.Hour)).Time; !got.Equal(now.Add(time.Hour + 20*time.Second)) {
		t.Errorf("by a clock an hour ahead, the delivery is due at %s", got)
	}
	wire.Wait = nil // an older sender
	if got := dispatch.DeferralFromWire(wire, now.Add(time.Hour)); !got.Time.Equal(d.Time) || got.Wait != 0 {
		t.Errorf("without a wait, %+v", got)
	}
}

// BenchmarkWire converts a report and a claim to Protobuf and back.
func BenchmarkWire(b *testing.B) {
	r := dispatch.Report{
		DeliveryID: 227894805024210945, Fence: 1, StartTime: now, EndTime: now,
		Outcome: messenger.Outcome{Kind: messenger.Sent, Status: 200, MessageID: "1503435956.000247", Excerpt: `{"ok":true}`},
	}
	b.Run("report", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dispatch.ReportFromWire(dispatch.ReportToWire(r))
		}
	})
	c := dispatch.Claim{DeliveryID: 227894805024210945, Fence: 1, Attempt: 1, LeaseExpireTime: now}
	b.Run("claim", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dispatch.ClaimFromWire(dispatch.ClaimToWire(c, now, time.Minute), now)
		}
	})
}
