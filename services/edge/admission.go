package edge

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// BannedAddresses are the banned addresses of all edges, as in ban.Bans.
type BannedAddresses interface {
	Find(addr netip.Addr) (ban.Ban, bool)
	Add(addr netip.Addr, duration time.Duration) (ban.Ban, bool)
}

// AdmissionMetrics counts refused requests and bans.
type AdmissionMetrics interface {
	// RefusedRequest counts a refused request, by the reason: one of the Refused constants.
	RefusedRequest(reason string)
	// AddressBanned counts a ban.
	AddressBanned()
}

// The reasons for which admission refuses a request.
const (
	RefusedBanned              = "banned"
	RefusedAddressLimit        = "address_limit"
	RefusedAddressCalls        = "address_calls"
	RefusedServiceLimit        = "service_limit"
	RefusedMaxCalls            = "max_calls"
	RefusedMaxStreams          = "max_streams"
	RefusedMaxStreamsPerCaller = "max_streams_per_caller"
)

// An Admission decides which requests this edge serves, before it knows what they are for: by
// the address of the client, by rate limits, and by bounds of concurrent calls.
type Admission struct {
	limits     limits
	addresses  *addressLimiter // nil if there is no limit
	services   *serviceLimits  // nil if there are no limits
	bounds     *callBounds
	dependency AdmissionDependencies
}

// AdmissionDependencies are what an Admission needs beside its settings. All must be set.
type AdmissionDependencies struct {
	Bans    BannedAddresses
	Metrics AdmissionMetrics
	Now     func() time.Time
	Log     *slog.Logger
}

// NewAdmission returns the admission of c, whose defaults are set.
func NewAdmission(c AdmissionConfig, d AdmissionDependencies) (*Admission, error) {
	parsed, err := c.limits()
	if err != nil {
		return nil, err
	}
	a := &Admission{limits: parsed, bounds: newCallBounds(c, d), dependency: d}
	if parsed.address.Limited() {
		if a.addresses, err = newAddressLimiter(c, parsed, d); err != nil {
			return nil, err
		}
	}
	if len(parsed.services) > 0 {
		a.services = newServiceLimits(parsed.services, d)
	}
	return a, nil
}

// Counts are the current numbers of calls, streams and addresses of an Admission.
type Counts struct {
	Calls, Streams int64 // that are being served
	Addresses      int   // whose limits are in memory
}

// Counts returns the current counts.
func (a *Admission) Counts() Counts {
	c := Counts{Calls: a.bounds.calls.Load(), Streams: a.bounds.streams.Load()}
	if a.addresses != nil {
		c.Addresses = a.addresses.states.Len()
	}
	return c
}

// The stages of an Admission.

func (a *Admission) clientAddress() rpc.Stage { return clientAddressStage(a.limits.trusted) }

func (a *Admission) ban() rpc.Stage { return banStage(a.dependency) }

func (a *Admission) addressLimit() rpc.Stage { return a.addresses.stage }

func (a *Admission) cors() rpc.Stage { return corsStage(a.limits.origins) }

func (a *Admission) callBounds() rpc.Stage { return a.bounds.stage }
