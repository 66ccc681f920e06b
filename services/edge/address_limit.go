package edge

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

const (
	// maxAddresses is the number of addresses whose state is in memory, some 20 MB. The one
	// that was used least recently makes room: it begins anew with a full burst.
	maxAddresses = 65_536
	// addressShare is the part of the calls of this edge that one address may have at a time:
	// a client that sends its requests slowly does not hold them all.
	addressShare = 4
	// busyRetry is the time to wait after a refusal by a bound of concurrent calls.
	busyRetry = time.Second
)

// An addressLimiter limits the requests of each client address, and bans addresses that go on
// beyond the limit.
type addressLimiter struct {
	AdmissionDependencies
	rate     ratelimit.Rate
	banAfter int // 0 is never
	banTime  time.Duration
	maxCalls int64 // of one address at a time
	headers  rateHeaders
	states   *lru.Cache[netip.Prefix, *addressState]
}

// An addressState is the state of one address.
type addressState struct {
	limiter *rate.Limiter
	calls   atomic.Int64 // that are being served

	mu       sync.Mutex
	refusals refusalWindow
}

func newAddressLimiter(c AdmissionConfig, parsed limits, d AdmissionDependencies) (*addressLimiter, error) {
	states, err := lru.New[netip.Prefix, *addressState](maxAddresses)
	if err != nil {
		return nil, fmt.Errorf("--address-limit: %w", err)
	}
	return &addressLimiter{
		AdmissionDependencies: d,
		rate:                  parsed.address, banAfter: parsed.banAfter, banTime: c.BanTime, maxCalls: int64(max(c.MaxCalls/addressShare, 1)),
		headers: newRateHeaders("address", parsed.address), states: states,
	}, nil
}

func (l *addressLimiter) stage(next http.Handler) http.Handler {
	return &addressLimit{next: next, addressLimiter: l}
}

// An addressLimit is the stage of an addressLimiter: beyond the limit it responds with 429.
type addressLimit struct {
	next http.Handler
	*addressLimiter
}

// ServeHTTP serves or refuses a request.
func (s *addressLimit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info, now := rpc.InfoOf(r.Context()), s.Now()
	client := info.Client
	state := s.state(ban.NetworkOf(client))
	allowed := state.limiter.AllowN(now, 1)
	tokens := state.limiter.TokensAt(now)
	header := w.Header()
	header[rateLimitPolicyHeader], header[rateLimitHeader] = s.headers.policy, s.headers.of(tokens)
	if !allowed {
		s.refuse(w, r, client, intervalOf(s.rate, 1-tokens))
		s.countRefusal(state, client, now)
		return
	}
	if info.Streaming { // streams have a bound of their own
		s.next.ServeHTTP(w, r)
		return
	}
	defer state.calls.Add(-1)
	if state.calls.Add(1) > s.maxCalls {
		s.Metrics.RefusedRequest(RefusedAddressCalls)
		rpc.WriteError(w, r, limitError(connect.CodeResourceExhausted, RefusedAddressCalls, "too many concurrent requests from "+client.String()+": at most "+
			strconv.FormatInt(s.maxCalls, 10)+" at a time; wait for some to end", busyRetry), s.Log)
		return
	}
	s.next.ServeHTTP(w, r)
}

// state returns the state of an address. A new one has a full burst.
func (l *addressLimiter) state(network netip.Prefix) *addressState {
	if state, ok := l.states.Get(network); ok {
		return state
	}
	state := &addressState{limiter: limiterOf(l.rate)}
	if earlier, ok, _ := l.states.PeekOrAdd(network, state); ok { // a concurrent request has added it
		return earlier
	}
	return state
}

func (l *addressLimiter) refuse(w http.ResponseWriter, r *http.Request, client netip.Addr, wait time.Duration) {
	l.Metrics.RefusedRequest(RefusedAddressLimit)
	rpc.WriteError(w, r, limitError(connect.CodeResourceExhausted, RefusedAddressLimit, "too many requests from "+client.String()+": at most "+l.rate.String()+"; slow down", wait), l.Log)
}

// countRefusal counts a refusal, and bans an address that has too many.
func (l *addressLimiter) countRefusal(state *addressState, client netip.Addr, now time.Time) {
	if l.banAfter == 0 {
		return
	}
	state.mu.Lock()
	over := state.refusals.add(now) > l.banAfter
	if over {
		state.refusals = refusalWindow{} // counted anew once the ban ends
	}
	state.mu.Unlock()
	if !over {
		return
	}
	banned, ok := l.Bans.Add(client, l.banTime)
	if !ok {
		l.Log.Debug("address not banned: too many bans", "address", client.String())
		return
	}
	l.Metrics.AddressBanned()
	l.Log.Warn("address banned: too many requests", "address", banned.Text(), "until", banned.ExpireTime)
}

// limiterOf returns a token bucket for a rate, with a burst of twice its count.
func limiterOf(r ratelimit.Rate) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(r.Count)/r.Per.Seconds()), burstOf(r))
}

// intervalOf returns the time in which a rate allows a number of requests.
func intervalOf(r ratelimit.Rate, requests float64) time.Duration {
	return time.Duration(requests * float64(r.Per) / float64(r.Count))
}
