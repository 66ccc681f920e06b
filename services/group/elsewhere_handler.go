package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"google.golang.org/protobuf/proto"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/seal"
	"github.com/bongsu-project/bongsu/internal/target"
)

const (
	// elsewhereTimeout bounds a question to the other system.
	elsewhereTimeout = 3 * time.Second
	// elsewhereStale is how old an answer may be that is used while the other system
	// does not answer.
	elsewhereStale = 10 * time.Minute
	// elsewhereAnswers is how many answers are kept for that.
	elsewhereAnswers = 1000
	// The other system is left alone for elsewhereRest when so many of the last calls
	// failed: alerts then do not wait for it.
	elsewhereFailures, elsewhereCalls, elsewhereRest = 5, 10, 5 * time.Second
)

var _ userv1connect.DirectoryServiceHandler = (*Elsewhere)(nil)

// An Elsewhere answers DirectoryService from the UserInfo of another system, which
// keeps the people. Tokens are sealed as they come in. While the other system does not
// answer, its last answer to the same question is used, if it is not too old.
type Elsewhere struct {
	Receipts
	userInfo userinfoconnect.UserInfoClient
	key      *seal.Key
	log      *slog.Logger
	breaker  circuitbreaker.CircuitBreaker[*userinfo.UserList]
	answers  *expirable.LRU[string, *userv1.LookUpResponse]
}

// NewElsewhere asks a UserInfo. What receipts are read by is here, as no other has the
// key.
func NewElsewhere(userInfo userinfoconnect.UserInfoClient, key *seal.Key, receipts Receipts, log *slog.Logger) *Elsewhere {
	return &Elsewhere{
		Receipts: receipts, userInfo: userInfo, key: key, log: log,
		breaker: circuitbreaker.NewBuilder[*userinfo.UserList]().
			HandleIf(func(_ *userinfo.UserList, err error) bool { return err != nil && !refused(err) }).
			WithFailureThresholdRatio(elsewhereFailures, elsewhereCalls).
			WithDelay(elsewhereRest).
			WithSuccessThreshold(1).
			OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
				log.Warn("the breaker of the other system's UserInfo changed", "from", e.OldState.String(), "to", e.NewState.String())
			}).
			Build(),
		answers: expirable.NewLRU[string, *userv1.LookUpResponse](elsewhereAnswers, nil, elsewhereStale),
	}
}

// LookUp asks the other system. What it does not say is who of a group there is: a
// target is unknown where it is a user's, and no answer names the user.
func (h *Elsewhere) LookUp(ctx context.Context, req *userv1.LookUpRequest) (*userv1.LookUpResponse, error) {
	names := req.GetTarget()
	targets, err := target.ParseAll(names)
	if err != nil {
		return nil, err
	}
	question := strings.Join(names, "\n")
	list, err := failsafe.With(h.breaker).GetWithExecution(func(failsafe.Execution[*userinfo.UserList]) (*userinfo.UserList, error) {
		asking, cancel := context.WithTimeout(ctx, elsewhereTimeout)
		defer cancel()
		return h.userInfo.GetUserList(asking, &userinfo.NicknameOrTeam{Name: names})
	})
	if err != nil {
		return h.instead(ctx, question, err)
	}
	res, err := h.sealed(list, targets, names)
	if err == nil {
		h.answers.Add(question, proto.CloneOf(res))
	}
	return res, err
}

// instead answers where the other system did not.
func (h *Elsewhere) instead(ctx context.Context, question string, err error) (*userv1.LookUpResponse, error) {
	if refused(err) {
		return nil, fmt.Errorf("target: the system that keeps the users refuses it: %s: %w", message(err), fault.ErrInvalid)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if old, is := h.answers.Get(question); is {
		h.log.Warn("the other system's UserInfo does not answer; its last answer is used", "code", connect.CodeOf(err).String())
		return proto.CloneOf(old), nil
	}
	h.log.Error("the other system's UserInfo does not answer", "code", connect.CodeOf(err).String())
	return nil, fmt.Errorf("the system that keeps the users does not answer, try again: %w", fault.ErrUnavailable)
}

// sealed gives the answer as ours, each token sealed.
func (h *Elsewhere) sealed(list *userinfo.UserList, targets []target.Target, names []string) (*userv1.LookUpResponse, error) {
	res := &userv1.LookUpResponse{Recipients: make([]*userv1.Recipient, 0, len(list.GetUser()))}
	named := map[string]bool{}
	for _, u := range list.GetUser() {
		messenger := strings.ToLower(u.GetServiceType())
		token, err := h.key.SealFor(u.GetToken(), seal.Owner{Nickname: u.GetNickname(), Messenger: messenger, Destination: u.GetTarget()})
		if err != nil {
			return nil, err
		}
		named[target.CanonicalName(u.GetNickname())] = true
		res.Recipients = append(res.Recipients, &userv1.Recipient{
			NickName:         u.GetNickname(),
			Messenger:        messenger,
			Destination:      u.GetTarget(),
			SealedCredential: token,
			CredentialKey:    h.key.Fingerprint(messenger, u.GetToken()),
		})
	}
	var unknown []target.Target
	for _, t := range targets {
		if t.Kind == target.User && !named[t.Name] && !slices.Contains(unknown, t) {
			unknown = append(unknown, t)
		}
	}
	res.UnknownTarget = asWritten(unknown, names)
	return res, nil
}

// refused says whether the other system understood the question and will not have it.
func refused(err error) bool { return connect.CodeOf(err) == connect.CodeInvalidArgument }

// message is what an error says, without who said it.
func message(err error) string {
	if e, is := errors.AsType[*connect.Error](err); is {
		return e.Message()
	}
	return err.Error()
}

// MoveAddresses moves none: the other system keeps them.
func (h *Elsewhere) MoveAddresses(context.Context, *userv1.MoveAddressesRequest) (*userv1.MoveAddressesResponse, error) {
	return &userv1.MoveAddressesResponse{}, nil
}

// GetSeal says by which key tokens are sealed as they come in. No address is kept here.
func (h *Elsewhere) GetSeal(context.Context, *userv1.GetSealRequest) (*userv1.GetSealResponse, error) {
	canary, err := h.key.Canary()
	if err != nil {
		return nil, err
	}
	return &userv1.GetSealResponse{Canary: canary, PrimaryId: uint32(h.key.Primary())}, nil
}
