package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/auth/v1/authv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/page"
)

// A Handler serves AuthService.
type Handler struct {
	store     *Store
	passwords passwords
	issuer    *issuer
	nobody    string // the hash of a password that nobody has
	now       func() time.Time
	log       *slog.Logger
}

var _ authv1connect.AuthServiceHandler = (*Handler)(nil)

// NewHandler returns a handler.
func NewHandler(ctx context.Context, store *Store, issuer *issuer, now func() time.Time, log *slog.Logger) (*Handler, error) {
	h := &Handler{store: store, passwords: newPasswords(), issuer: issuer, now: now, log: log}
	var err error
	h.nobody, err = h.passwords.hash(ctx, rand.Text())
	return h, err
}

// SignUp creates an account that waits for approval.
func (h *Handler) SignUp(ctx context.Context, req *authv1.SignUpRequest) (*authv1.SignUpResponse, error) {
	hash, err := h.passwords.hash(ctx, req.GetPassword())
	if err != nil {
		return nil, err
	}
	a := Account{
		ID: req.GetId(), Role: roleOf(req.GetRole()), Name: req.GetName(), Phone: req.GetPhone(), Email: req.GetEmail(),
		Grade: int(req.GetGrade()), Class: int(req.GetClass()), Number: int(req.GetNumber()), Children: req.GetChildren(), Created: h.now().Truncate(time.Microsecond),
	}
	if err := h.store.Add(ctx, a, hash); err != nil {
		return nil, err
	}
	return &authv1.SignUpResponse{Account: toProto(a)}, nil
}

// ListAccounts returns a page of accounts.
func (h *Handler) ListAccounts(ctx context.Context, req *authv1.ListAccountsRequest) (*authv1.ListAccountsResponse, error) {
	q := Query{Role: roleOf(req.GetRole()), Grade: int(req.GetGrade()), Class: int(req.GetClass()), Text: req.GetQuery()}
	if state := req.GetState(); state != authv1.AccountState_ACCOUNT_STATE_UNSPECIFIED {
		q.Approved = new(state == authv1.AccountState_ACCOUNT_STATE_APPROVED)
	}
	all, next, err := page.Of(req, func(a Account) Cursor { return Cursor{a.Name, a.ID} }, func(after Cursor, limit int) ([]Account, error) {
		q.After, q.Limit = after, limit
		return h.store.Accounts(ctx, q)
	})
	if err != nil {
		return nil, err
	}
	res := &authv1.ListAccountsResponse{NextPageToken: next}
	for _, a := range all {
		res.Accounts = append(res.Accounts, toProto(a))
	}
	return res, nil
}

// GetAccount returns an account.
func (h *Handler) GetAccount(ctx context.Context, req *authv1.GetAccountRequest) (*authv1.GetAccountResponse, error) {
	a, err := h.store.Account(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &authv1.GetAccountResponse{Account: toProto(a)}, nil
}

// ApproveAccount lets a person sign in.
func (h *Handler) ApproveAccount(ctx context.Context, req *authv1.ApproveAccountRequest) (*authv1.ApproveAccountResponse, error) {
	a, err := h.store.Approve(ctx, req.GetId(), approver(ctx))
	if err != nil {
		return nil, err
	}
	return &authv1.ApproveAccountResponse{Account: toProto(a)}, nil
}

// RefuseAccount deletes an account that waits for approval.
func (h *Handler) RefuseAccount(ctx context.Context, req *authv1.RefuseAccountRequest) (*authv1.RefuseAccountResponse, error) {
	if err := h.store.Refuse(ctx, req.GetId(), approver(ctx)); err != nil {
		return nil, err
	}
	return &authv1.RefuseAccountResponse{}, nil
}

// approver returns the decision whether the caller may approve or refuse an account.
func approver(ctx context.Context) func(Account) error {
	caller, _ := auth.CallerOf(ctx)
	return func(a Account) error { return mayApprove(caller.Roles, a) }
}

// UpdateAccount changes phone and mail address.
func (h *Handler) UpdateAccount(ctx context.Context, req *authv1.UpdateAccountRequest) (*authv1.UpdateAccountResponse, error) {
	a, err := h.store.Update(ctx, req.GetId(), req.Phone, req.Email)
	if err != nil {
		return nil, err
	}
	return &authv1.UpdateAccountResponse{Account: toProto(a)}, nil
}

// SignIn returns tokens for an account and its password. An unknown account takes as long as a wrong
// password.
func (h *Handler) SignIn(ctx context.Context, req *authv1.SignInRequest) (*authv1.SignInResponse, error) {
	a, err := h.checkPassword(ctx, req.GetId(), req.GetPassword())
	if err != nil {
		return nil, err
	}
	if !a.Approved {
		return nil, fault.Preconditionf("account %s waits for approval", a.ID)
	}
	refresh, expiry, err := h.store.AddRefreshToken(ctx, a.ID, h.now())
	if err != nil {
		return nil, err
	}
	tokens, err := h.tokens(a, refresh, expiry)
	if err != nil {
		return nil, err
	}
	return &authv1.SignInResponse{Tokens: tokens, Account: toProto(a)}, nil
}

// checkPassword returns the account with a password, or fault.ErrUnauthenticated, or fault.ErrExhausted
// after too many attempts.
func (h *Handler) checkPassword(ctx context.Context, id, password string) (Account, error) {
	if err := h.store.BeginAttempt(ctx, id, h.now()); err != nil {
		return Account{}, err
	}
	a, hash, err := h.store.Password(ctx, id)
	unknown := errors.Is(err, fault.ErrNotFound)
	if err != nil && !unknown {
		return Account{}, err
	}
	if unknown {
		hash = h.nobody
	}
	ok, err := h.passwords.verify(ctx, password, hash)
	if err != nil {
		return Account{}, err
	}
	if !ok || unknown {
		return Account{}, fault.Unauthenticatedf("the account or the password is wrong")
	}
	return a, h.store.EndAttempts(ctx, id)
}

// RefreshToken returns new tokens for a refresh token.
func (h *Handler) RefreshToken(ctx context.Context, req *authv1.RefreshTokenRequest) (*authv1.RefreshTokenResponse, error) {
	a, refresh, expiry, err := h.store.Refresh(ctx, req.GetRefreshToken(), h.now())
	if err != nil {
		return nil, err
	}
	tokens, err := h.tokens(a, refresh, expiry)
	if err != nil {
		return nil, err
	}
	return &authv1.RefreshTokenResponse{Tokens: tokens}, nil
}

func (h *Handler) tokens(a Account, refresh string, expiry time.Time) (*authv1.Tokens, error) {
	access, accessExpiry, err := h.issuer.token(a)
	if err != nil {
		return nil, err
	}
	return &authv1.Tokens{
		AccessToken: access, AccessExpireTime: timestamppb.New(accessExpiry), RefreshToken: refresh, RefreshExpireTime: timestamppb.New(expiry),
	}, nil
}

// SignOut revokes all refresh tokens of the caller.
func (h *Handler) SignOut(ctx context.Context, _ *authv1.SignOutRequest) (*authv1.SignOutResponse, error) {
	caller, _ := auth.CallerOf(ctx)
	if err := h.store.RevokeRefreshTokens(ctx, caller.Nickname); err != nil {
		return nil, err
	}
	return &authv1.SignOutResponse{}, nil
}

// ChangePassword replaces the password of the caller.
func (h *Handler) ChangePassword(ctx context.Context, req *authv1.ChangePasswordRequest) (*authv1.ChangePasswordResponse, error) {
	caller, _ := auth.CallerOf(ctx)
	a, err := h.checkPassword(ctx, caller.Nickname, req.GetCurrent())
	if err != nil {
		return nil, err
	}
	hash, err := h.passwords.hash(ctx, req.GetPassword())
	if err != nil {
		return nil, err
	}
	if err := h.store.SetPassword(ctx, a.ID, hash); err != nil {
		return nil, err
	}
	return &authv1.ChangePasswordResponse{}, nil
}

// RequestPasswordReset sends a code by mail, a limited number of times.
func (h *Handler) RequestPasswordReset(ctx context.Context, req *authv1.RequestPasswordResetRequest) (*authv1.RequestPasswordResetResponse, error) {
	if err := h.store.BeginAttempt(ctx, "request-reset:"+req.GetId(), h.now()); err != nil {
		return nil, err
	}
	if err := h.store.AddReset(ctx, req.GetId(), h.now()); err != nil {
		return nil, err
	}
	return &authv1.RequestPasswordResetResponse{}, nil
}

// ResetPassword replaces the password by the code of the mail.
func (h *Handler) ResetPassword(ctx context.Context, req *authv1.ResetPasswordRequest) (*authv1.ResetPasswordResponse, error) {
	if err := h.store.BeginAttempt(ctx, "reset:"+req.GetId(), h.now()); err != nil {
		return nil, err
	}
	hash, err := h.passwords.hash(ctx, req.GetPassword())
	if err != nil {
		return nil, err
	}
	if err := h.store.Reset(ctx, req.GetId(), req.GetCode(), hash, h.now()); err != nil {
		return nil, err
	}
	return &authv1.ResetPasswordResponse{}, nil
}
