package web

import (
	"net/http"
	"strings"

	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
)

// home leads to the first page of the person.
func (v *visit) home() error { return v.redirect("/outings") }

func (v *visit) signInPage() error {
	return v.page("sign_in", "들어가기", newForm("next", v.query("next")))
}

// signIn begins a session.
func (v *visit) signIn() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	res, err := v.api.auth.SignIn(v.ctx(), &authv1.SignInRequest{Id: f.text("id"), Password: f.Value("password")})
	if err != nil {
		return v.again(f, err, "sign_in", "들어가기", "id", "password")
	}
	v.pages.sessions.begin(v.w, v.r, v.pages.secure, v.pages.now(), res.GetAccount(), res.GetTokens())
	if next := f.Value("next"); isLocal(next) {
		return v.redirect(next)
	}
	return v.redirect("/")
}

// signOut ends the session, and revokes its refresh tokens.
func (v *visit) signOut() error {
	if _, err := v.api.auth.SignOut(v.ctx(), &authv1.SignOutRequest{}); err != nil {
		v.pages.log.WarnContext(v.ctx(), "refresh tokens are not revoked", "error", err)
	}
	v.pages.sessions.end(v.w, v.r, v.pages.secure)
	return v.redirect("/sign-in")
}

func (v *visit) signUpPage() error { return v.page("sign_up", "가입하기", newForm("role", "1")) }

// signUp creates an account, which waits for approval.
func (v *visit) signUp() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	req := &authv1.SignUpRequest{
		Id: f.text("id"), Password: f.Value("password"), Role: authv1.Role(f.number("role")), Name: f.text("name"),
		Phone: strings.ReplaceAll(f.text("phone"), "-", ""), Email: f.text("email"), Grade: f.number("grade"), Class: f.number("class"), Number: f.number("number"),
		Children: strings.FieldsFunc(f.text("children"), func(r rune) bool { return r == ' ' || r == ',' }),
	}
	if f.invalid() {
		v.show(http.StatusUnprocessableEntity, "sign_up", "가입하기", f)
		return nil
	}
	if _, err := v.api.auth.SignUp(v.ctx(), req); err != nil {
		return v.again(f, err, "sign_up", "가입하기", "id", "password", "role", "name", "phone", "email", "grade", "class", "number", "children")
	}
	return v.page("message", "가입을 신청했습니다", "선생님이 가입을 승인하면 들어갈 수 있습니다.")
}

func (v *visit) resetRequestPage() error {
	return v.page("reset_request", "비밀번호를 잊었을 때", newForm())
}

// requestReset sends a code by mail. The page is the same for an unknown account.
func (v *visit) requestReset() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if _, err := v.api.auth.RequestPasswordReset(v.ctx(), &authv1.RequestPasswordResetRequest{Id: f.text("id")}); err != nil {
		return v.again(f, err, "reset_request", "비밀번호를 잊었을 때", "id")
	}
	return v.page("reset", "새 비밀번호", newForm("id", f.text("id"), "sent", "yes"))
}

func (v *visit) resetPage() error { return v.page("reset", "새 비밀번호", newForm()) }

// reset replaces the password by the code of the mail.
func (v *visit) reset() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	_, err = v.api.auth.ResetPassword(v.ctx(), &authv1.ResetPasswordRequest{Id: f.text("id"), Code: f.text("code"), Password: f.Value("password")})
	if err != nil {
		return v.again(f, err, "reset", "새 비밀번호", "id", "code", "password")
	}
	return v.page("message", "비밀번호를 바꾸었습니다", "새 비밀번호로 들어와 주세요.")
}

func (v *visit) passwordPage() error { return v.page("password", "비밀번호 바꾸기", newForm()) }

// changePassword replaces the password of the person, which ends all sessions.
func (v *visit) changePassword() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	_, err = v.api.auth.ChangePassword(v.ctx(), &authv1.ChangePasswordRequest{Current: f.Value("current"), Password: f.Value("password")})
	if err != nil {
		return v.again(f, err, "password", "비밀번호 바꾸기", "current", "password")
	}
	v.pages.sessions.end(v.w, v.r, v.pages.secure)
	v.session = nil
	return v.page("message", "비밀번호를 바꾸었습니다", "새 비밀번호로 들어와 주세요.")
}
