package edge

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/policy"
)

// An OIDCConfig holds the settings of an OpenID Connect issuer whose tokens the edge accepts.
type OIDCConfig struct {
	// Issuer is the URL of the issuer, as in its tokens. Empty means that no tokens are
	// accepted.
	Issuer string `check:"issuer" placeholder:"https://login.example.com/realms/ops" help:"The OpenID Connect issuer whose tokens (JWT) the edge accepts beside API keys, as in the claim iss; its keys are found by discovery."`

	// Audience is the claim aud of accepted tokens. It is required with Issuer.
	Audience string `placeholder:"bongsu" help:"The audience (claim aud) that tokens of --oidc-issuer must have; required with it."`

	// RolesClaim is the claim with the roles of the caller: a list of texts, or texts
	// separated by spaces. Dots lead into nested claims: realm_access.roles.
	RolesClaim string `default:"roles" help:"The claim of a token with the caller's roles, such as groups or realm_access.roles."`

	// RoleMap maps values of that claim to roles, as value=role. Empty means that the values
	// are roles.
	RoleMap []string `sep:"none" placeholder:"VALUE=ROLE" help:"The role of callers with a value in --oidc-roles-claim: sender, viewer, operator, admin or user, such as oncall=operator, or one that a joined service names, such as faculty=teacher; repeatable. Other values count for nothing. By default the values are roles."`

	// NicknameClaim is the claim with the nickname of the caller. Empty means that callers
	// with a token have none.
	NicknameClaim string `placeholder:"preferred_username" help:"The claim of a token with the caller's nickname, for role user; none by default."`
}

// CheckBounds returns an error for settings that do not fit together.
func (c OIDCConfig) CheckBounds() error {
	if c.Issuer == "" {
		if c.Audience != "" || len(c.RoleMap) > 0 || c.NicknameClaim != "" {
			return errors.New("--oidc-audience, --oidc-role-map and --oidc-nickname-claim require --oidc-issuer")
		}
		return nil
	}
	if c.Audience == "" {
		return errors.New("--oidc-issuer requires --oidc-audience: tokens that the issuer made for others are not accepted")
	}
	_, err := c.roleMap()
	return err
}

// TokenConfig returns the parts of a valid auth.TokenConfig that the settings determine.
func (c OIDCConfig) TokenConfig() auth.TokenConfig {
	mapped, _ := c.roleMap() // CheckBounds has reported the error
	rolesOf := callerRoles
	if len(mapped) > 0 {
		rolesOf = func(values []string) []string {
			var roles []string
			for _, value := range values {
				roles = append(roles, mapped[value]...)
			}
			return callerRoles(roles)
		}
	}
	return auth.TokenConfig{
		Issuer: c.Issuer, Audience: c.Audience, Claims: auth.ClaimNames{Roles: c.RolesClaim, Nickname: c.NicknameClaim}, RolesOf: rolesOf,
	}
}

// maxOwnRoles is the maximum number of roles of a caller that are not built in. Processes send
// them with each call on behalf of the caller.
const maxOwnRoles = 64

// callerRoles returns the roles of a caller among names: the built-in ones, and the first
// maxOwnRoles others whose form is that of a role.
func callerRoles(names []string) []string {
	var builtIn, own []string
	for _, name := range names {
		switch {
		case role.Known(name):
			builtIn = append(builtIn, name)
		case len(own) < maxOwnRoles && policy.IsRoleName(name) && !slices.Contains(own, name):
			own = append(own, name)
		}
	}
	return append(builtIn, own...)
}

// OwnRoles returns the roles of RoleMap that are not built in, sorted.
func (c OIDCConfig) OwnRoles() []string {
	mapped, _ := c.roleMap()
	var own []string
	for _, roles := range mapped {
		own = append(own, roles...)
	}
	own = slices.DeleteFunc(own, role.Known)
	slices.Sort(own)
	return slices.Compact(own)
}

// roleMap returns the parsed RoleMap. A value may contain =, and have several roles.
func (c OIDCConfig) roleMap() (map[string][]string, error) {
	roles := map[string][]string{}
	for _, entry := range c.RoleMap {
		i := strings.LastIndex(entry, "=")
		if i < 1 || !policy.IsRoleName(entry[i+1:]) {
			return nil, fmt.Errorf("invalid --oidc-role-map %q: use VALUE=ROLE, with one of the roles %s, or another one of lower-case letters, digits, _ and - that joined services name", entry, strings.Join(roleNames(), ", "))
		}
		roles[entry[:i]] = append(roles[entry[:i]], entry[i+1:])
	}
	return roles, nil
}

func roleNames() []string {
	var names []string
	for _, r := range role.Roles {
		names = append(names, string(r))
	}
	slices.Sort(names)
	return names
}
