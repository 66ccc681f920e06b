package edge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/services/edge"
)

// TestRolesOfClaim checks which roles the values of the roles claim are.
func TestRolesOfClaim(t *testing.T) {
	many := make([]string, 200)
	for i := range many {
		many[i] = fmt.Sprintf("group%d", i)
	}
	for name, c := range map[string]struct {
		roleMap      []string
		values, want []string
	}{
		"built-in":        {nil, []string{"viewer", "admin"}, []string{"viewer", "admin"}},
		"own":             {nil, []string{"teacher", "viewer"}, []string{"viewer", "teacher"}},
		"repeated":        {nil, []string{"teacher", "teacher"}, []string{"teacher"}},
		"not a role":      {nil, []string{"Domain Users", "Admin", "admin ", " admin", "admin\n", "ADMIN", "", "관리자", "/ops", "2nd", strings.Repeat("a", 64)}, nil},
		"many":            {nil, append(slices.Clone(many), "admin"), append([]string{"admin"}, many[:64]...)},
		"mapped":          {[]string{"ops=operator", "staff=teacher", "staff=viewer"}, []string{"staff", "ops"}, []string{"viewer", "operator", "teacher"}},
		"not mapped":      {[]string{"ops=operator"}, []string{"admin", "teacher", "operator"}, nil},
		"mapped in chain": {[]string{"a=teacher", "teacher=admin"}, []string{"a"}, []string{"teacher"}},
	} {
		config := edge.OIDCConfig{Issuer: "https://login.example.com", Audience: "bongsu", RolesClaim: "roles", RoleMap: c.roleMap}
		if err := config.CheckBounds(); err != nil {
			t.Fatal(err)
		}
		if got := config.TokenConfig().RolesOf(c.values); !slices.Equal(got, c.want) {
			t.Errorf("%s: roles are %q, want %q", name, got, c.want)
		}
	}
}

// TestMostRoles checks that a caller with as many and as long roles as there can be fits into
// the header between processes.
func TestMostRoles(t *testing.T) {
	var values []string
	for i := range 1000 {
		values = append(values, fmt.Sprintf("r%062d", i))
	}
	for _, r := range role.Roles {
		values = append(values, string(r))
	}
	most := auth.Caller{ID: "oidc:" + strings.Repeat("\"", 255), Name: strings.Repeat("\x01", 100), Nickname: strings.Repeat("<", 120), Roles: edge.OIDCConfig{}.TokenConfig().RolesOf(values)}
	if got, err := auth.DecodeCaller(auth.EncodeCaller(most)); err != nil || len(got.Roles) != 64+len(role.Roles) {
		t.Errorf("%d roles, %v", len(got.Roles), err)
	}
}
