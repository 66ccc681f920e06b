package web

import (
	"net/http"

	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
)

// AccountList is the content of the list of accounts.
type AccountList struct {
	List
	Accounts []*authv1.Account
	Form     *Form
	Pending  bool
	Senior   bool // whether the person approves teachers, too
}

// accounts shows the accounts that wait for approval, or all.
func (v *visit) accounts() error { return v.showAccounts(http.StatusOK, newForm()) }

func (v *visit) showAccounts(status int, form *Form) error {
	f := v.filters()
	req := &authv1.ListAccountsRequest{
		State: authv1.AccountState_ACCOUNT_STATE_PENDING, Role: authv1.Role(f.number("role")), Query: f.text("q"), PageSize: listSize, PageToken: f.Value("page"),
	}
	if f.Value("all") != "" {
		req.State = authv1.AccountState_ACCOUNT_STATE_UNSPECIFIED
	}
	res, err := v.api.auth.ListAccounts(v.ctx(), req)
	if err != nil {
		return err
	}
	v.show(status, "accounts", "가입 승인", AccountList{v.list(res.GetNextPageToken()), res.GetAccounts(), form, f.Value("all") == "", v.role() != authv1.Role_ROLE_TEACHER})
	return nil
}

// decideAccount approves or refuses an account.
func (v *visit) decideAccount() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	var text string
	switch v.r.PathValue("decision") {
	case "approve":
		text = "가입을 승인했습니다."
		_, err = v.api.auth.ApproveAccount(v.ctx(), &authv1.ApproveAccountRequest{Id: id})
	case "refuse":
		text = "가입 신청을 지웠습니다."
		_, err = v.api.auth.RefuseAccount(v.ctx(), &authv1.RefuseAccountRequest{Id: id})
	default:
		return v.notFound()
	}
	if err == nil {
		return v.done("/accounts", text)
	}
	if !answers(err) {
		return err
	}
	return v.showAccounts(f.fail(err), f)
}
