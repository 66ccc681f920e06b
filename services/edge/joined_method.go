package edge

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

const (
	// maxJoinedMethods is the maximum number of methods of a joined service: each is a label
	// of metrics.
	maxJoinedMethods = 200
	// maxCacheTags is the maximum number of tags of a method of a joined service.
	maxCacheTags = 16
	// maxPolicyRoles is the maximum number of roles of a method of a joined service.
	maxPolicyRoles = 32
)

// A joinedMethod is a method of a joined service, with all that the stages and interceptors of
// the edge decide by. It belongs to one version of the service, as the handler of the method
// does, so that a request is judged by the policy under which it is served.
type joinedMethod struct {
	procedure string
	policy    policy.Policy
	access    *methodAccess  // nil without an Authorizer
	audited   *auditedMethod // nil if calls are not recorded
	cached    *cachedMethod  // nil if it neither reads nor changes what is cached
}

// joinedMethodOf returns the method of a request to a joined service, and nil for any other.
func joinedMethodOf(info *rpc.RequestInfo) *joinedMethod {
	if info == nil || info.Attachment == nil {
		return nil
	}
	m, _ := info.Attachment.(*joinedMethod)
	return m
}

// newJoinedMethods returns the methods of a version of a service by procedure, as attachments.
func (e Edge) newJoinedMethods(methods policy.Table, version string) map[string]any {
	attached := make(map[string]any, len(methods))
	for procedure, m := range methods {
		joined := &joinedMethod{procedure: procedure, policy: m.Policy}
		if e.Authorizer != nil {
			joined.access = newMethodAccess(m.Policy, m.Permission)
		}
		if e.Audit != nil {
			joined.audited = e.Audit.newMethod(procedure, m.Policy)
		}
		if e.Cache != nil && (m.Cache != nil || len(m.Invalidates) > 0) {
			joined.cached = cachedMethodOf(procedure+"@"+version, m.Policy, e.Cache.responses)
		}
		attached[procedure] = joined
	}
	return attached
}

// joinedPolicies returns the policies of a service that may be joined. Its error is the reason
// why it may not: it is internal, or lacks a policy, or has a bad one.
func joinedPolicies(service protoreflect.ServiceDescriptor, reserved map[string]bool) (policy.Table, error) {
	count := service.Methods().Len()
	if count == 0 || count > maxJoinedMethods {
		return nil, fmt.Errorf("it has %d methods: a service that joins has 1 to %d", count, maxJoinedMethods)
	}
	methods, err := policy.NewServiceTable(service)
	if err != nil {
		return nil, err
	}
	for _, procedure := range slices.Sorted(maps.Keys(methods)) {
		m := methods[procedure]
		switch {
		case m.Internal:
			return nil, errInternalService
		case reserved[m.Permission]:
			return nil, fmt.Errorf("permission %q of %s is one of the edge's own services: use another noun", m.Permission, m.Descriptor.Name())
		case len(m.Invalidates) > maxCacheTags, m.Cache != nil && len(m.Cache.Tags) > maxCacheTags:
			return nil, fmt.Errorf("%s has more than %d cache tags", m.Descriptor.Name(), maxCacheTags)
		case len(m.Roles) > maxPolicyRoles:
			return nil, fmt.Errorf("%s has more than %d roles", m.Descriptor.Name(), maxPolicyRoles)
		}
	}
	return methods, nil
}

// reservedPermissions returns the permissions that joined services may not name: those of
// methods, and of paths, of the edge.
func reservedPermissions(methods policy.Table) map[string]bool {
	reserved := map[string]bool{role.ReadMetrics: true}
	for _, permission := range methods.Permissions() {
		reserved[permission] = true
	}
	return reserved
}
