package directory

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/hashicorp/golang-lru/v2/expirable"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

const (
	// remoteTimeout is the timeout of a call to the remote directory.
	remoteTimeout = 3 * time.Second
	// remoteMaxAge is the maximum age of a cached response that is used while the
	// remote directory is unavailable.
	remoteMaxAge = 10 * time.Minute
	// remoteCacheSize is the number of responses in that cache.
	remoteCacheSize = 1000
	// The circuit breaker opens for remoteBreakerDelay when remoteFailures of the last
	// remoteCalls calls failed, so that alerts do not wait for the remote directory.
	remoteFailures, remoteCalls, remoteBreakerDelay = 5, 10, 5 * time.Second
)

var _ userv1connect.DirectoryServiceHandler = (*RemoteDirectory)(nil)

// A RemoteDirectory serves DirectoryService from a remote directory, which is the UserInfo
// of another system. Tokens are sealed on arrival. While the remote directory is
// unavailable, the last response to the same lookup is used, unless it is too old.
type RemoteDirectory struct {
	ReceiptReader
	userInfo userinfoconnect.UserInfoClient
	key      *seal.Keyring
	log      *slog.Logger
	breaker  circuitbreaker.CircuitBreaker[*userinfo.UserList]
	cache    *expirable.LRU[string, remoteLookup]
}

// A remoteLookup is the result of a lookup in the remote directory. It is immutable.
type remoteLookup struct {
	found   []Recipient
	unknown []string
}

// NewRemoteDirectory returns a remote directory behind userInfo. It serves ReadReceipt too,
// because no other service has the seal key.
func NewRemoteDirectory(userInfo userinfoconnect.UserInfoClient, key *seal.Keyring, receipts ReceiptReader, log *slog.Logger) *RemoteDirectory {
	return &RemoteDirectory{
		ReceiptReader: receipts, userInfo: userInfo, key: key, log: log,
		breaker: circuitbreaker.NewBuilder[*userinfo.UserList]().
			HandleIf(func(_ *userinfo.UserList, err error) bool { return err != nil && !isInvalidArgument(err) }).
			WithFailureThresholdRatio(remoteFailures, remoteCalls).
			WithDelay(remoteBreakerDelay).
			WithSuccessThreshold(1).
			OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
				log.Warn("circuit breaker of the remote directory changed state", "from", e.OldState.String(), "to", e.NewState.String())
			}).
			Build(),
		cache: expirable.NewLRU[string, remoteLookup](remoteCacheSize, nil, remoteMaxAge),
	}
}

// LookUp calls the remote directory.
func (d *RemoteDirectory) LookUp(ctx context.Context, req *userv1.LookUpRequest) (*userv1.LookUpResponse, error) {
	targets, err := target.ParseList(req.GetTarget())
	if err != nil {
		return nil, err
	}
	found, unknown, err := d.Resolve(ctx, targets)
	if err != nil {
		return nil, err
	}
	return lookupToWire(found, unknown), nil
}

// Resolve calls the remote directory with the targets as they were written. UserInfo does
// not return which groups exist, so the only unknown targets are users that the response
// does not name. The results must not be changed.
func (d *RemoteDirectory) Resolve(ctx context.Context, targets target.List) (found []Recipient, unknown []string, err error) {
	question := strings.Join(targets.Texts, "\n")
	list, err := failsafe.With(d.breaker).GetWithExecution(func(failsafe.Execution[*userinfo.UserList]) (*userinfo.UserList, error) {
		asking, cancel := context.WithTimeout(ctx, remoteTimeout)
		defer cancel()
		return d.userInfo.GetUserList(asking, &userinfo.NicknameOrTeam{Name: targets.Texts})
	})
	var res remoteLookup
	if err != nil {
		res, err = d.fallback(ctx, question, err)
		return res.found, res.unknown, err
	}
	res, err = d.sealResponse(list, targets)
	if err == nil {
		d.cache.Add(question, res)
	}
	return res.found, res.unknown, err
}

// fallback returns the cached response to a lookup that failed, or an error.
func (d *RemoteDirectory) fallback(ctx context.Context, question string, err error) (remoteLookup, error) {
	if isInvalidArgument(err) {
		return remoteLookup{}, fault.InvalidField("target", "refused by the remote directory: %s", errorMessage(err))
	}
	if ctx.Err() != nil {
		return remoteLookup{}, ctx.Err()
	}
	if old, ok := d.cache.Get(question); ok {
		d.log.Warn("remote directory unavailable, cached response used", "code", connect.CodeOf(err).String())
		return old, nil
	}
	d.log.Error("remote directory unavailable", "code", connect.CodeOf(err).String())
	return remoteLookup{}, fault.WithReason(fault.Unavailablef("remote directory unavailable; try again"), "REMOTE_DIRECTORY_UNAVAILABLE")
}

// sealResponse converts the response of the remote directory and seals each token.
func (d *RemoteDirectory) sealResponse(list *userinfo.UserList, targets target.List) (remoteLookup, error) {
	res := remoteLookup{found: make([]Recipient, 0, len(list.GetUser()))}
	named := map[string]bool{}
	for _, u := range list.GetUser() {
		messenger := strings.ToLower(u.GetServiceType())
		token, err := d.key.SealForOwner(u.GetToken(), seal.Owner{Name: u.GetNickname(), Service: messenger, Address: u.GetTarget()})
		if err != nil {
			return remoteLookup{}, err
		}
		named[target.CanonicalName(u.GetNickname())] = true
		res.found = append(res.found, Recipient{Nickname: u.GetNickname(), Address: Address{
			Messenger:             messenger,
			Destination:           u.GetTarget(),
			SealedCredential:      token,
			CredentialFingerprint: d.key.Fingerprint(messenger, u.GetToken()),
		}})
	}
	var unknown []target.Target
	for _, t := range targets.Targets {
		if t.Kind == target.User && !named[t.Name] && !slices.Contains(unknown, t) {
			unknown = append(unknown, t)
		}
	}
	res.unknown = targets.AsWritten(unknown)
	return res, nil
}

// isInvalidArgument reports whether the remote directory rejected the request as invalid.
func isInvalidArgument(err error) bool { return connect.CodeOf(err) == connect.CodeInvalidArgument }

// errorMessage returns the text of an error without its Connect code.
func errorMessage(err error) string {
	if e, ok := errors.AsType[*connect.Error](err); ok {
		return e.Message()
	}
	return err.Error()
}

// MoveAddresses moves none: the addresses are stored by the other system.
func (d *RemoteDirectory) MoveAddresses(context.Context, *userv1.MoveAddressesRequest) (*userv1.MoveAddressesResponse, error) {
	return &userv1.MoveAddressesResponse{}, nil
}

// GetSeal returns the primary seal key, which seals tokens on arrival. It counts no
// addresses, because none are stored here.
func (d *RemoteDirectory) GetSeal(context.Context, *userv1.GetSealRequest) (*userv1.GetSealResponse, error) {
	canary, err := d.key.Canary()
	if err != nil {
		return nil, err
	}
	return &userv1.GetSealResponse{Canary: canary, PrimaryId: uint32(d.key.Primary())}, nil
}
