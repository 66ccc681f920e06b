// Package policy reads the policies that methods declare in Protobuf:
// who may call them, for how long, and which responses may be cached. The declaration is
// the only table of them; whoever enforces or documents a policy reads it here.
package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	policyv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/policy/v1"
)

// A Policy is the policy of one method.
type Policy struct {
	// Internal is set for a method of an internal service, which no outside caller may
	// call. The other fields are then empty.
	Internal bool
	// Permission is the permission that the caller needs, such as "book.lend"; empty only
	// where Verifier or Internal is set.
	Permission string
	// Roles are further roles that have the permission of this method, such as "librarian",
	// besides those to which whoever enforces it gives the permission.
	Roles []string
	// Verifier is the check of the service that replaces the permission.
	Verifier Verifier
	// Timeout is the timeout of a call; 0 means the default of whoever enforces it, and for
	// a stream none.
	Timeout time.Duration
	// Cache is nil if responses may not be cached.
	Cache *Cache
	// Invalidates holds the tags of cached responses that a successful call makes stale.
	Invalidates []string
	// Audit is how calls are recorded in the audit log.
	Audit Audit
	// Resource is the name of the resource of a call in the audit log; empty without Audit.
	Resource Resource
	// OwnerField is the field of the request with a nickname, whose user needs no
	// permission; empty for none.
	OwnerField protoreflect.Name
}

// A Verifier is a check by which a service verifies requests that need no caller.
type Verifier int

// The verifiers.
const (
	NoVerifier        Verifier = iota
	ProviderSignature          // of a provider, over the request
	Credential                 // in the request, such as a password at sign-in or a signed link
)

// A Cache is how responses of a method may be cached.
type Cache struct {
	TTL    time.Duration // above 0
	Shared bool          // by all callers with the permission; otherwise each caller has its own
	Tags   []string      // at least one
}

// An Audit is how calls of a method are recorded in the audit log.
type Audit int

// The ways of recording calls.
const (
	NoAudit      Audit = iota
	AuditSync          // before the response is sent
	AuditBatched       // within a second of the response
)

// ErrMissing is the error of a method of a public service without a policy.
var ErrMissing = errors.New("no policy: set option (" + string(policyv1.E_Method.TypeDescriptor().FullName()) + ")")

// permissions have the form noun.verb.
var permissions = regexp.MustCompile(`^[a-z][a-z_]*\.[a-z]+$`)

// roleNames have the form of identifiers.
var roleNames = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// IsRoleName reports whether a name may be that of a role: a lower-case letter and up to 62
// lower-case letters, digits, _ or -.
func IsRoleName(name string) bool { return roleNames.MatchString(name) }

// Of returns the policy of a method. It returns ErrMissing if the method has none, and an
// error that names the field if the policy contradicts itself.
func Of(method protoreflect.MethodDescriptor) (Policy, error) {
	if service, ok := option[*policyv1.ServicePolicy](method.Parent().Options(), policyv1.E_Service); ok && service.GetInternal() {
		return Policy{Internal: true}, nil
	}
	declared, ok := option[*policyv1.MethodPolicy](method.Options(), policyv1.E_Method)
	if !ok {
		return Policy{}, fmt.Errorf("%s: %w", method.FullName(), ErrMissing)
	}
	p := Policy{
		Permission: declared.GetPermission(), Roles: declared.GetRoles(), Verifier: Verifier(declared.GetVerifier()),
		Timeout: declared.GetTimeout().AsDuration(), Invalidates: declared.GetInvalidates(), Audit: Audit(declared.GetAudit()), OwnerField: protoreflect.Name(declared.GetOwnerField()),
	}
	if c := declared.GetCache(); c != nil {
		p.Cache = &Cache{TTL: c.GetTtl().AsDuration(), Shared: c.GetScope() == policyv1.CacheScope_CACHE_SCOPE_SHARED, Tags: c.GetTags()}
	}
	err := p.check(method, declared.GetResource())
	if err == nil && declared.GetResource() != "" {
		p.Resource, err = newResource(declared.GetResource(), method)
	}
	if err != nil {
		return Policy{}, fmt.Errorf("policy of %s: %w", method.FullName(), err)
	}
	return p, nil
}

// Owner returns the nickname of the user who owns what a request is for; "" for none.
func (p Policy) Owner(request proto.Message) string {
	if p.OwnerField == "" {
		return ""
	}
	m := request.ProtoReflect()
	return m.Get(m.Descriptor().Fields().ByName(p.OwnerField)).String()
}

// SetOwner sets the nickname of the user who owns what a request is for. It does nothing without
// an OwnerField.
func (p Policy) SetOwner(request proto.Message, nickname string) {
	if p.OwnerField == "" {
		return
	}
	m := request.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName(p.OwnerField), protoreflect.ValueOfString(nickname))
}

func (p Policy) check(method protoreflect.MethodDescriptor, resource string) error {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	readOnly := options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
	if err := p.checkAccess(); err != nil {
		return err
	}
	switch {
	case p.Timeout < 0:
		return errors.New("timeout must not be negative")
	case p.Cache != nil && (!readOnly || method.IsStreamingServer() || method.IsStreamingClient()):
		return errors.New("cache requires a unary method with NO_SIDE_EFFECTS")
	case p.Cache != nil && (p.Cache.TTL <= 0 || len(p.Cache.Tags) == 0):
		return errors.New("cache requires ttl and tags")
	case readOnly && (p.Audit != NoAudit || len(p.Invalidates) > 0):
		return errors.New("a method with NO_SIDE_EFFECTS has no audit and invalidates nothing")
	case !readOnly && p.Audit == NoAudit:
		return errors.New("a method without NO_SIDE_EFFECTS requires audit")
	case (p.Audit == NoAudit) != (resource == ""):
		return errors.New("audit requires resource")
	case p.Audit != NoAudit && (method.IsStreamingServer() || method.IsStreamingClient()):
		return errors.New("audit requires a unary method")
	case p.OwnerField != "" && !isString(method.Input().Fields().ByName(p.OwnerField)):
		return fmt.Errorf("owner_field %q is no string field of the request", p.OwnerField)
	case p.OwnerField != "" && method.IsStreamingClient():
		return errors.New("owner_field requires a method with one request")
	}
	return nil
}

// checkAccess checks who may call the method.
func (p Policy) checkAccess() error {
	verified := p.Verifier != NoVerifier
	switch {
	case p.Verifier < NoVerifier || p.Verifier > Credential:
		return fmt.Errorf("unknown verifier %d", p.Verifier)
	case verified == (p.Permission != ""):
		return errors.New("set either permission or verifier")
	case !verified && !permissions.MatchString(p.Permission):
		return fmt.Errorf("invalid permission %q: must be noun.verb", p.Permission)
	case verified && len(p.Roles) > 0:
		return errors.New("roles requires permission")
	case verified && p.OwnerField != "":
		return errors.New("owner_field requires permission")
	case verified && p.Cache != nil: // its service would not check what the cache responds to
		return errors.New("cache requires permission")
	}
	for i, name := range p.Roles {
		switch {
		case !IsRoleName(name):
			return fmt.Errorf("invalid role %q: must match %s", name, roleNames)
		case slices.Contains(p.Roles[:i], name):
			return fmt.Errorf("role %q is repeated", name)
		}
	}
	return nil
}

// option returns an extension of options, and reports whether it is set. It parses the options
// again: those of a descriptor that another program made, or that came by reflection, may hold
// the extension as an unknown field or as a dynamic message.
func option[T proto.Message](options proto.Message, extension protoreflect.ExtensionType) (value T, ok bool) {
	data, err := proto.MarshalOptions{AllowPartial: true}.Marshal(options)
	if err != nil || len(data) == 0 {
		return value, false
	}
	parsed := options.ProtoReflect().New().Interface()
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(data, parsed); err != nil || !proto.HasExtension(parsed, extension) {
		return value, false
	}
	value, ok = proto.GetExtension(parsed, extension).(T)
	return value, ok
}

func isString(field protoreflect.FieldDescriptor) bool {
	return field != nil && field.Kind() == protoreflect.StringKind && !field.IsList()
}
