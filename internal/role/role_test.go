package role_test

import (
	"slices"
	"strings"
	"testing"

	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1" // the permissions
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/role"
)

// TestPermits has a row for each permission, with its roles by their initials: user, sender,
// viewer, operator, admin.
func TestPermits(t *testing.T) {
	table := map[string]string{
		"alert.send":              "s-a",
		"alert.intake":            "s-a",
		"event.publish":           "s-a",
		"heartbeat.send":          "s-a",
		"incident.read":           "v-o-a",
		"incident.write":          "o-a",
		"silence.read":            "v-o-a",
		"silence.write":           "o-a",
		"escalation_policy.read":  "v-o-a",
		"escalation_policy.write": "o-a",
		"monitor.read":            "v-o-a",
		"monitor.write":           "o-a",
		"inbox.read":              "a",
		"inbox.write":             "a",
		"event_rule.read":         "v-o-a",
		"dead_letter.read":        "v-o-a",
		"caller.read":             "u-s-v-o-a",
		"alert.read":              "v-o-a",
		"group.read":              "v-o-a",
		"user.read":               "v-o-a",
		"messenger.read":          "v-o-a",
		"template.read":           "v-o-a",
		"callback_endpoint.read":  "v-o-a",
		"seal_key.read":           "v-o-a",
		"metrics.read":            "v-o-a",
		"instance.read":           "v-o-a",
		"alert.cancel":            "o-a",
		"event_rule.write":        "o-a",
		"dead_letter.replay":      "o-a",
		"callback_endpoint.write": "o-a",
		"alert.replay":            "o-a",
		"user.write":              "o-a",
		"group.write":             "o-a",
		"template.write":          "o-a",
		"address.verify":          "o-a",
		"directory.export":        "o-a",
		"directory.import":        "o-a",
		"key.read":                "a",
		"key.write":               "a",
		"audit.read":              "a",
		"ban.read":                "a",
		"ban.write":               "a",
		"unheard.of":              "a",
	}
	for permission, initials := range table {
		for _, r := range role.Roles {
			want := slices.Contains(strings.Split(initials, "-"), string(r)[:1])
			if got := role.Permits([]string{string(r)}, permission); got != want {
				t.Errorf("%s may %s: %v, want %v", r, permission, got, want)
			}
			if got := slices.Contains(role.Permitted(permission), r); got != want {
				t.Errorf("%s is among the roles of %s: %v, want %v", r, permission, got, want)
			}
		}
	}
	for _, permission := range role.Permissions([]string{"admin"}) {
		if _, ok := table[permission]; !ok {
			t.Errorf("%s has no row in this test", permission)
		}
	}
}

func TestPermitsSeveralRoles(t *testing.T) {
	for _, c := range []struct {
		roles      []string
		permission string
		want       bool
	}{
		{nil, "alert.read", false},
		{[]string{""}, "alert.read", false},
		{[]string{"root"}, "alert.read", false},
		{[]string{"Admin"}, "alert.read", false},
		{[]string{"sender", "viewer"}, "alert.send", true},
		{[]string{"sender", "viewer"}, "alert.read", true},
		{[]string{"sender", "viewer"}, "key.read", false},
		{[]string{"root", "admin"}, "key.read", true},
	} {
		if got := role.Permits(c.roles, c.permission); got != c.want {
			t.Errorf("%q may %s: %v, want %v", c.roles, c.permission, got, c.want)
		}
	}
}

func TestPermissions(t *testing.T) {
	for _, c := range []struct {
		roles []string
		want  string
	}{
		{nil, ""},
		{[]string{"root"}, ""},
		{[]string{"sender"}, "alert.intake alert.send caller.read event.publish heartbeat.send"},
		{[]string{"user"}, "caller.read"},
		{[]string{"viewer", "sender"}, "alert.intake alert.read alert.send callback_endpoint.read caller.read dead_letter.read escalation_policy.read event.publish event_rule.read group.read heartbeat.send incident.read instance.read messenger.read metrics.read monitor.read seal_key.read silence.read template.read user.read"},
	} {
		if got := strings.Join(role.Permissions(c.roles), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.roles, got, c.want)
		}
	}
}

func TestKnown(t *testing.T) {
	for _, name := range []string{"user", "sender", "viewer", "operator", "admin"} {
		if !role.Known(name) {
			t.Errorf("%s is unknown", name)
		}
	}
	for _, name := range []string{"", "root", "Admin"} {
		if role.Known(name) {
			t.Errorf("%q is known", name)
		}
	}
}
