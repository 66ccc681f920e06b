package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"

	"github.com/bongsu-project/bongsu/examples/school/schooltest"
	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestMain(m *testing.M) { schooltest.Main(m) }

// A school is a Handler with its store and a clock.
type school struct {
	*Handler
	*schooltest.Service

	clock  time.Time
	server *httptest.Server // of the issuer
}

// each runs a test in SQLite and PostgreSQL.
func each(t *testing.T, test func(t *testing.T, s *school)) {
	t.Helper()
	schooltest.Each(t, Schema, func(t *testing.T, service *schooltest.Service) {
		s := &school{Service: service, clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), server: httptest.NewServer(nil)}
		t.Cleanup(s.server.Close)
		now := func() time.Time { return s.clock }
		issuer, err := newIssuer(s.server.URL, filepath.Join(t.TempDir(), "signing.key"), now)
		kittest.NoError(t, err)
		s.server.Config.Handler = issuer.handler()
		s.Handler, err = NewHandler(t.Context(), NewStore(service.DB, service.Outbox), issuer, now, slog.New(slog.DiscardHandler))
		kittest.NoError(t, err)
		test(t, s)
	})
}

const password = "correct horse"

func student(id string, number int32) *authv1.SignUpRequest {
	return &authv1.SignUpRequest{Id: id, Password: password, Role: authv1.Role_ROLE_STUDENT, Name: "김철수", Email: id + "@school.example", Grade: 2, Class: 3, Number: number}
}

// signUp creates an approved account.
func (s *school) signUp(t *testing.T, req *authv1.SignUpRequest) {
	t.Helper()
	kittest.NoError(t, kittest.ErrorOf(s.SignUp(t.Context(), req)))
	kittest.NoError(t, kittest.ErrorOf(s.ApproveAccount(schooltest.As(t, "head", "head_teacher"), &authv1.ApproveAccountRequest{Id: req.GetId()})))
}

func (s *school) signIn(t *testing.T, id, password string) (*authv1.Tokens, error) {
	t.Helper()
	res, err := s.SignIn(t.Context(), &authv1.SignInRequest{Id: id, Password: password})
	return res.GetTokens(), err
}

func TestSignUp(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		res, err := s.SignUp(t.Context(), student("chulsu", 7))
		kittest.NoError(t, err)
		kittest.Equal(t, res.GetAccount().GetState(), authv1.AccountState_ACCOUNT_STATE_PENDING)
		_, err = s.signIn(t, "chulsu", password)
		kittest.Error(t, err, fault.ErrPrecondition, "waits for approval")

		phone := func(id string, number int32, phone string) *authv1.SignUpRequest {
			req := student(id, number)
			req.Phone = phone
			return req
		}
		kittest.NoError(t, kittest.ErrorOf(s.SignUp(t.Context(), phone("younghee", 8, "01012345678"))))
		parent := &authv1.SignUpRequest{Id: "mother", Password: password, Role: authv1.Role_ROLE_PARENT, Name: "이영자", Children: []string{"chulsu", "nobody"}}
		for name, c := range map[string]struct {
			req   *authv1.SignUpRequest
			kind  error
			field string
		}{
			"account": {student("chulsu", 9), fault.ErrExists, "id"},
			"phone":   {phone("minsu", 9, "01012345678"), fault.ErrExists, "phone"},
			"number":  {student("minsu", 7), fault.ErrExists, "number"},
			"child":   {parent, fault.ErrInvalid, "children[1]"},
		} {
			_, err := s.SignUp(t.Context(), c.req)
			if fields := fault.Fields(err); !errors.Is(err, c.kind) || len(fields) != 1 || fields[0].Path != c.field {
				t.Errorf("%s: %v, %v", name, err, fields)
			}
		}
		kittest.Error(t, kittest.ErrorOf(s.GetAccount(t.Context(), &authv1.GetAccountRequest{Id: "mother"})), fault.ErrNotFound, "mother")
		parent.Children = []string{"chulsu"}
		kittest.NoError(t, kittest.ErrorOf(s.SignUp(t.Context(), parent)))
		got, err := s.GetAccount(t.Context(), &authv1.GetAccountRequest{Id: "mother"})
		kittest.NoError(t, err)
		kittest.Equal(t, got.GetAccount().GetChildren(), []string{"chulsu"})
	})
}

// TestSamePlace lets several students ask for one number at the same time: one gets it.
func TestSamePlace(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		kittest.OneWinner(t, kittest.Concurrently(5, func(i int) error {
			return kittest.ErrorOf(s.SignUp(t.Context(), student("student"+string(rune('a'+i)), 1)))
		}))
	})
}

func TestApprove(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		kittest.NoError(t, kittest.ErrorOf(s.SignUp(t.Context(), student("chulsu", 7))))
		kittest.NoError(t, kittest.ErrorOf(s.SignUp(t.Context(), &authv1.SignUpRequest{Id: "teacher", Password: password, Role: authv1.Role_ROLE_TEACHER, Name: "박선생", Grade: 2, Class: 3})))
		teacher, head := schooltest.As(t, "other", "teacher"), schooltest.As(t, "head", "head_teacher")
		kittest.NoError(t, kittest.ErrorOf(s.ApproveAccount(teacher, &authv1.ApproveAccountRequest{Id: "chulsu"})))
		kittest.NoError(t, kittest.ErrorOf(s.ApproveAccount(teacher, &authv1.ApproveAccountRequest{Id: "chulsu"})))
		kittest.Error(t, kittest.ErrorOf(s.ApproveAccount(teacher, &authv1.ApproveAccountRequest{Id: "teacher"})), fault.ErrDenied, "head teacher")
		kittest.Error(t, kittest.ErrorOf(s.RefuseAccount(teacher, &authv1.RefuseAccountRequest{Id: "teacher"})), fault.ErrDenied, "head teacher")
		kittest.Error(t, kittest.ErrorOf(s.ApproveAccount(head, &authv1.ApproveAccountRequest{Id: "nobody"})), fault.ErrNotFound, "nobody")
		kittest.Error(t, kittest.ErrorOf(s.RefuseAccount(head, &authv1.RefuseAccountRequest{Id: "chulsu"})), fault.ErrPrecondition, "approved")
		kittest.NoError(t, kittest.ErrorOf(s.RefuseAccount(head, &authv1.RefuseAccountRequest{Id: "teacher"})))
		kittest.Error(t, kittest.ErrorOf(s.GetAccount(head, &authv1.GetAccountRequest{Id: "teacher"})), fault.ErrNotFound, "teacher")

		changes, err := s.store.Changes(t.Context(), 10)
		kittest.NoError(t, err)
		kittest.Equal(t, len(changes), 1)
		kittest.Equal(t, changes[0].Groups(), []string{"students", "grade-2", "class-2-3"})
		kittest.NoError(t, s.store.Synced(t.Context(), changes[0]))
		changes, err = s.store.Changes(t.Context(), 10)
		kittest.NoError(t, err)
		kittest.Equal(t, len(changes), 0)

		data := schooltest.Wait[eventv1.AccountApproved](t, s.Service, "school.auth.account_approved", 1)[0]
		kittest.Equal(t, data.GetId()+" "+data.GetRole(), "chulsu student")
	})
}

// TestTokens verifies tokens as the edge does.
func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.clock = time.Now()
		s.signUp(t, student("chulsu", 7))
		tokens, err := s.signIn(t, "chulsu", password)
		kittest.NoError(t, err)
		verifier := auth.NewTokenVerifier(auth.TokenConfig{
			Issuer: s.server.URL, Audience: Audience, Claims: auth.ClaimNames{Roles: "roles", Nickname: "nickname"},
			RolesOf: func(values []string) []string { return values }, Client: s.server.Client(), Now: s.now, Log: s.log,
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- verifier.Run(ctx) }()
		defer func() { stop(); kittest.NoError(t, <-ended) }()
		caller, err := verifier.Verify(t.Context(), tokens.GetAccessToken())
		kittest.NoError(t, err)
		kittest.Equal(t, caller, auth.Caller{ID: "oidc:chulsu", Name: "김철수", Roles: []string{"student", "user"}, Nickname: "chulsu"})
		s.clock = s.clock.Add(accessLife + time.Second)
		if _, err := verifier.Verify(t.Context(), tokens.GetAccessToken()); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// TestRefresh uses refresh tokens: each once, and a stolen one ends its family.
func TestRefresh(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.signUp(t, student("chulsu", 7))
		first, err := s.signIn(t, "chulsu", password)
		kittest.NoError(t, err)
		other, err := s.signIn(t, "chulsu", password)
		kittest.NoError(t, err)
		refresh := func(token string) (string, error) {
			res, err := s.RefreshToken(t.Context(), &authv1.RefreshTokenRequest{RefreshToken: token})
			return res.GetTokens().GetRefreshToken(), err
		}
		second, err := refresh(first.GetRefreshToken())
		kittest.NoError(t, err)
		third, err := refresh(second)
		kittest.NoError(t, err)
		kittest.Error(t, kittest.ErrorOf(refresh(second)), fault.ErrUnauthenticated, "sign in again")
		kittest.Error(t, kittest.ErrorOf(refresh(third)), fault.ErrUnauthenticated)
		otherNext, err := refresh(other.GetRefreshToken())
		kittest.NoError(t, err)
		kittest.NoError(t, kittest.ErrorOf(s.SignOut(schooltest.As(t, "chulsu", "student"), &authv1.SignOutRequest{})))
		kittest.Error(t, kittest.ErrorOf(refresh(otherNext)), fault.ErrUnauthenticated)
		last, err := s.signIn(t, "chulsu", password)
		kittest.NoError(t, err)
		s.clock = s.clock.Add(refreshLife + time.Second)
		kittest.Error(t, kittest.ErrorOf(refresh(last.GetRefreshToken())), fault.ErrUnauthenticated)
	})
}

// TestAttempts limits sign-in for accounts that exist and for those that do not, alike.
func TestAttempts(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.signUp(t, student("chulsu", 7))
		for _, id := range []string{"chulsu", "nobody"} {
			var texts []string
			for range maxAttempts {
				_, err := s.signIn(t, id, "wrong password")
				kittest.Error(t, err, fault.ErrUnauthenticated)
				texts = append(texts, err.Error())
			}
			kittest.Equal(t, slices.Compact(texts), []string{"the account or the password is wrong"})
			_, err := s.signIn(t, id, password)
			kittest.Error(t, err, fault.ErrExhausted, "15m0s")
			kittest.Equal(t, fault.DelayOf(err), attemptWindow)
		}
		s.clock = s.clock.Add(attemptWindow + time.Second)
		kittest.NoError(t, kittest.ErrorOf(s.signIn(t, "chulsu", password)))
	})
}

// TestReset replaces a forgotten password by the code of the mail.
func TestReset(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.signUp(t, student("chulsu", 7))
		tokens, err := s.signIn(t, "chulsu", password)
		kittest.NoError(t, err)
		for _, id := range []string{"chulsu", "nobody"} {
			kittest.NoError(t, kittest.ErrorOf(s.RequestPasswordReset(t.Context(), &authv1.RequestPasswordResetRequest{Id: id})))
		}
		data := schooltest.Wait[eventv1.PasswordResetRequested](t, s.Service, "school.auth.password_reset_requested", 1)[0]
		kittest.Equal(t, data.GetId(), "chulsu")
		reset := func(code string) error {
			return kittest.ErrorOf(s.ResetPassword(t.Context(), &authv1.ResetPasswordRequest{Id: "chulsu", Code: code, Password: "new password"}))
		}
		kittest.Error(t, reset("wrong"), fault.ErrUnauthenticated, "code")
		kittest.NoError(t, reset(data.GetCode()))
		kittest.Error(t, reset(data.GetCode()), fault.ErrUnauthenticated, "code")
		kittest.Error(t, kittest.ErrorOf(s.signIn(t, "chulsu", password)), fault.ErrUnauthenticated)
		kittest.NoError(t, kittest.ErrorOf(s.signIn(t, "chulsu", "new password")))
		kittest.Error(t, kittest.ErrorOf(s.RefreshToken(t.Context(), &authv1.RefreshTokenRequest{RefreshToken: tokens.GetRefreshToken()})), fault.ErrUnauthenticated)
	})
}

// TestResetRequests limits the mails to an account, and responds alike for one that does not exist.
func TestResetRequests(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.signUp(t, student("chulsu", 7))
		for _, id := range []string{"chulsu", "nobody"} {
			request := func() error {
				return kittest.ErrorOf(s.RequestPasswordReset(t.Context(), &authv1.RequestPasswordResetRequest{Id: id}))
			}
			for range maxAttempts {
				kittest.NoError(t, request())
			}
			kittest.Error(t, request(), fault.ErrExhausted, "15m0s")
		}
		kittest.NoError(t, kittest.ErrorOf(s.signIn(t, "chulsu", password)))
	})
}

// TestResetExpires refuses a code after its time.
func TestResetExpires(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.signUp(t, student("chulsu", 7))
		kittest.NoError(t, s.store.AddReset(t.Context(), "chulsu", s.clock))
		data := schooltest.Wait[eventv1.PasswordResetRequested](t, s.Service, "school.auth.password_reset_requested", 1)[0]
		s.clock = s.clock.Add(resetLife + time.Second)
		err := kittest.ErrorOf(s.ResetPassword(t.Context(), &authv1.ResetPasswordRequest{Id: "chulsu", Code: data.GetCode(), Password: "new password"}))
		kittest.Error(t, err, fault.ErrUnauthenticated, "expired")
	})
}

func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.signUp(t, student("chulsu", 7))
		change := func(current string) error {
			return kittest.ErrorOf(s.ChangePassword(schooltest.As(t, "chulsu", "student"), &authv1.ChangePasswordRequest{Current: current, Password: "new password"}))
		}
		kittest.Error(t, change("wrong password"), fault.ErrUnauthenticated)
		kittest.NoError(t, change(password))
		kittest.NoError(t, kittest.ErrorOf(s.signIn(t, "chulsu", "new password")))
	})
}

func TestListAccounts(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for i, name := range []string{"가나", "다라", "마_바"} {
			req := student("student"+string(rune('a'+i)), int32(i+1))
			req.Name = name
			s.signUp(t, req)
		}
		list := func(req *authv1.ListAccountsRequest) (names []string) {
			t.Helper()
			for {
				res, err := s.ListAccounts(t.Context(), req)
				kittest.NoError(t, err)
				for _, a := range res.GetAccounts() {
					names = append(names, a.GetName())
				}
				if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
					return names
				}
			}
		}
		kittest.Equal(t, list(&authv1.ListAccountsRequest{PageSize: 1}), []string{"가나", "다라", "마_바"})
		kittest.Equal(t, list(&authv1.ListAccountsRequest{Query: "_"}), []string{"마_바"})
		kittest.Equal(t, list(&authv1.ListAccountsRequest{Query: "studentB"}), []string{"다라"})
		kittest.Equal(t, list(&authv1.ListAccountsRequest{Grade: 1}), []string(nil))
		kittest.Equal(t, list(&authv1.ListAccountsRequest{State: authv1.AccountState_ACCOUNT_STATE_PENDING}), []string(nil))
		kittest.Equal(t, len(list(&authv1.ListAccountsRequest{Role: authv1.Role_ROLE_STUDENT, Class: 3})), 3)
	})
}

func TestParseHash(t *testing.T) {
	p := newPasswords()
	hash, err := p.hash(t.Context(), password)
	kittest.NoError(t, err)
	for text, want := range map[string]bool{password: true, password + " ": false, "": false} {
		ok, err := p.verify(t.Context(), text, hash)
		kittest.NoError(t, err)
		kittest.Equal(t, ok, want)
	}
	for _, text := range []string{"", "plain", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "v=19", "v=16", 1), hash[:len(hash)-4], strings.Replace(hash, "m=", "m=x", 1)} {
		if _, err := p.verify(t.Context(), password, text); !errors.Is(err, errHash) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestUpdateRules checks which mail addresses a request may set: an empty one removes it.
func TestUpdateRules(t *testing.T) {
	for email, valid := range map[string]bool{"": true, "kim@school.example": true, "kim": false, "kim@": false} {
		err := protovalidate.Validate(&authv1.UpdateAccountRequest{Id: "chulsu", Email: new(email)})
		if (err == nil) != valid {
			t.Errorf("%q: %v", email, err)
		}
	}
	kittest.NoError(t, protovalidate.Validate(&authv1.UpdateAccountRequest{Id: "chulsu"}))
}
