// Package role holds the roles of callers and their permissions. A permission is noun.verb, as
// methods declare it in Protobuf (bongsu.policy.v1).
package role

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bongsu-project/bongsu/kit/policy"
)

// A Role is a named set of permissions.
type Role string

// The roles.
const (
	Sender   Role = "sender"   // systems that send alerts
	Viewer   Role = "viewer"   // people who look; no secrets
	Operator Role = "operator" // people who act on alerts and keep the directory
	Admin    Role = "admin"    // everything
	User     Role = "user"     // people with an inbox, for what is their own
)

// ReadMetrics is the permission for the metrics of a process, which no method declares.
const ReadMetrics = "metrics.read"

// Roles are all roles, from the least to the most powerful of systems and people.
var Roles = []Role{User, Sender, Viewer, Operator, Admin}

// A grant is a list of permissions. "*" stands for any noun or any verb.
type grant struct{ may, not []string }

// grants are the permissions of each role.
var grants = map[Role][]grant{
	User:     {{may: []string{"caller.read"}}}, // and the own inbox, as its owner
	Sender:   {{may: []string{"alert.send", "alert.intake", "event.publish", "heartbeat.send", "caller.read"}}},
	Viewer:   {viewing},
	Operator: {viewing, operating},
	Admin:    {{may: []string{"*.*"}}},
}

var (
	viewing   = grant{may: []string{"*.read"}, not: []string{"key.read", "audit.read", "ban.read", "inbox.read"}}
	operating = grant{may: []string{
		"alert.cancel", "alert.replay", "user.write", "group.write", "template.write", "address.verify", "directory.export", "directory.import",
		"event_rule.write", "dead_letter.replay", "callback_endpoint.write",
		"incident.write", "silence.write", "escalation_policy.write", "monitor.write",
	}}
)

// Permits reports whether one of the roles has a permission. Unknown roles have none.
func Permits(roles []string, permission string) bool {
	return slices.ContainsFunc(roles, func(name string) bool { return Role(name).Permits(permission) })
}

// Permits reports whether the role has a permission.
func (r Role) Permits(permission string) bool {
	return slices.ContainsFunc(grants[r], func(g grant) bool { return holds(g.may, permission) && !holds(g.not, permission) })
}

// Known reports whether a name is that of a role.
func Known(name string) bool { return slices.Contains(Roles, Role(name)) }

// Permissions returns the permissions of roles, sorted: of those that the linked methods
// declare, and ReadMetrics.
func Permissions(roles []string) []string {
	permitted := []string{}
	for _, permission := range declared() {
		if Permits(roles, permission) {
			permitted = append(permitted, permission)
		}
	}
	return permitted
}

// Permitted returns the roles that have a permission, in the order of Roles.
func Permitted(permission string) []Role {
	var all []Role
	for _, r := range Roles {
		if r.Permits(permission) {
			all = append(all, r)
		}
	}
	return all
}

// declared returns all permissions, sorted.
var declared = sync.OnceValue(func() []string {
	methods, _ := policy.NewTable(protoregistry.GlobalFiles) // a test checks the policies; the valid ones are in the table
	all := append(methods.Permissions(), ReadMetrics)
	slices.Sort(all)
	return slices.Compact(all)
})

// holds reports whether a list has a permission, or a pattern for it.
func holds(list []string, permission string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool { return matches(pattern, permission) })
}

func matches(pattern, permission string) bool {
	noun, verb, _ := strings.Cut(permission, ".")
	wantNoun, wantVerb, _ := strings.Cut(pattern, ".")
	return (wantNoun == "*" || wantNoun == noun) && (wantVerb == "*" || wantVerb == verb)
}
