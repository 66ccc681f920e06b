package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb" // the messages of the test service

	policyv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/policy/v1"
	"github.com/bongsu-project/bongsu/kit/policy"
)

// method returns the descriptor of a method of a test service with a policy; nil for none.
func method(t *testing.T, declared *policyv1.MethodPolicy, service *policyv1.ServicePolicy, level descriptorpb.MethodOptions_IdempotencyLevel) protoreflect.MethodDescriptor {
	t.Helper()
	options := &descriptorpb.MethodOptions{IdempotencyLevel: level.Enum()}
	if declared != nil {
		proto.SetExtension(options, policyv1.E_Method, declared)
	}
	serviceOptions := &descriptorpb.ServiceOptions{}
	if service != nil {
		proto.SetExtension(serviceOptions, policyv1.E_Service, service)
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("test.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/empty.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("TestService"), Options: serviceOptions,
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Get"), InputType: proto.String(".google.protobuf.Empty"), OutputType: proto.String(".google.protobuf.Empty"), Options: options,
			}},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Services().Get(0).Methods().Get(0)
}

func TestOf(t *testing.T) {
	const readOnly, writes = descriptorpb.MethodOptions_NO_SIDE_EFFECTS, descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
	cache := &policyv1.Cache{Ttl: durationpb.New(time.Second), Scope: policyv1.CacheScope_CACHE_SCOPE_SHARED, Tags: []string{"group"}}
	for _, c := range []struct {
		name     string
		declared *policyv1.MethodPolicy
		level    descriptorpb.MethodOptions_IdempotencyLevel
		err      string // empty: valid
	}{
		{"permission", &policyv1.MethodPolicy{Permission: "seal_key.read"}, readOnly, ""},
		{"cached", &policyv1.MethodPolicy{Permission: "group.read", Cache: cache}, readOnly, ""},
		{"signed", &policyv1.MethodPolicy{Verifier: policyv1.Verifier_VERIFIER_PROVIDER_SIGNATURE, Audit: policyv1.Audit_AUDIT_BATCHED, Resource: "r"}, writes, ""},
		{"changes", &policyv1.MethodPolicy{Permission: "group.write", Invalidates: []string{"group"}, Audit: policyv1.Audit_AUDIT_SYNC, Resource: "r"}, writes, ""},
		{"credential", &policyv1.MethodPolicy{Verifier: policyv1.Verifier_VERIFIER_CREDENTIAL, Audit: policyv1.Audit_AUDIT_SYNC, Resource: "r"}, writes, ""},
		{"credential of a read", &policyv1.MethodPolicy{Verifier: policyv1.Verifier_VERIFIER_CREDENTIAL}, readOnly, ""},
		{"roles", &policyv1.MethodPolicy{Permission: "a.b", Roles: []string{"teacher", "admin", "r2-d_2", "a" + strings.Repeat("b", 62)}}, readOnly, ""},
		{"role in upper case", &policyv1.MethodPolicy{Permission: "a.b", Roles: []string{"Teacher"}}, readOnly, `invalid role "Teacher"`},
		{"role with a digit first", &policyv1.MethodPolicy{Permission: "a.b", Roles: []string{"2nd"}}, readOnly, `invalid role "2nd"`},
		{"empty role", &policyv1.MethodPolicy{Permission: "a.b", Roles: []string{""}}, readOnly, `invalid role ""`},
		{"role with a line", &policyv1.MethodPolicy{Permission: "a.b", Roles: []string{"a\n"}}, readOnly, "invalid role"},
		{"long role", &policyv1.MethodPolicy{Permission: "a.b", Roles: []string{strings.Repeat("a", 64)}}, readOnly, "invalid role"},
		{"repeated role", &policyv1.MethodPolicy{Permission: "a.b", Roles: []string{"a", "b", "a"}}, readOnly, `role "a" is repeated`},
		{"roles without a permission", &policyv1.MethodPolicy{Roles: []string{"a"}}, readOnly, "either permission or verifier"},
		{"roles and a verifier", &policyv1.MethodPolicy{Verifier: policyv1.Verifier_VERIFIER_CREDENTIAL, Roles: []string{"a"}}, readOnly, "roles requires permission"},
		{"owner and a verifier", &policyv1.MethodPolicy{Verifier: policyv1.Verifier_VERIFIER_CREDENTIAL, OwnerField: "a"}, readOnly, "owner_field requires permission"},
		{"cache and a verifier", &policyv1.MethodPolicy{Verifier: policyv1.Verifier_VERIFIER_CREDENTIAL, Cache: cache}, readOnly, "cache requires permission"},
		{"verifier of a later version", &policyv1.MethodPolicy{Verifier: 3}, readOnly, "unknown verifier 3"},
		{"empty", &policyv1.MethodPolicy{}, readOnly, "either permission or verifier"},
		{"both", &policyv1.MethodPolicy{Permission: "a.b", Verifier: policyv1.Verifier_VERIFIER_PROVIDER_SIGNATURE}, readOnly, "either permission or verifier"},
		{"bad permission", &policyv1.MethodPolicy{Permission: "Group.Read"}, readOnly, `invalid permission "Group.Read"`},
		{"permission without a verb", &policyv1.MethodPolicy{Permission: "group"}, readOnly, `invalid permission "group"`},
		{"negative timeout", &policyv1.MethodPolicy{Permission: "a.b", Timeout: durationpb.New(-1)}, readOnly, "timeout"},
		{"cached change", &policyv1.MethodPolicy{Permission: "a.b", Cache: cache}, writes, "NO_SIDE_EFFECTS"},
		{"cache without tags", &policyv1.MethodPolicy{Permission: "a.b", Cache: &policyv1.Cache{Ttl: durationpb.New(1)}}, readOnly, "ttl and tags"},
		{"cache without ttl", &policyv1.MethodPolicy{Permission: "a.b", Cache: &policyv1.Cache{Tags: []string{"a"}}}, readOnly, "ttl and tags"},
		{"audited read", &policyv1.MethodPolicy{Permission: "a.b", Audit: policyv1.Audit_AUDIT_SYNC, Resource: "r"}, readOnly, "NO_SIDE_EFFECTS"},
		{"invalidating read", &policyv1.MethodPolicy{Permission: "a.b", Invalidates: []string{"a"}}, readOnly, "NO_SIDE_EFFECTS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := policy.Of(method(t, c.declared, nil, c.level))
			switch {
			case c.err != "":
				if err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), "test.TestService.Get") {
					t.Errorf("error is %v, want %q", err, c.err)
				}
			case err != nil:
				t.Error(err)
			case !slices.Equal(got.Roles, c.declared.GetRoles()) || got.Verifier != policy.Verifier(c.declared.GetVerifier()):
				t.Errorf("policy is %+v, want %v", got, c.declared)
			case got.Permission != c.declared.GetPermission() || got.Audit != policy.Audit(c.declared.GetAudit()) || (got.Cache != nil) != (c.declared.GetCache() != nil) || got.Internal:
				t.Errorf("policy is %+v, want %v", got, c.declared)
			}
		})
	}
}

func TestOfWithoutPolicy(t *testing.T) {
	bare := method(t, nil, nil, descriptorpb.MethodOptions_NO_SIDE_EFFECTS)
	if _, err := policy.Of(bare); !errors.Is(err, policy.ErrMissing) || !strings.Contains(err.Error(), "test.TestService.Get") {
		t.Errorf("error is %v, want %v", err, policy.ErrMissing)
	}
	internal := method(t, nil, &policyv1.ServicePolicy{Internal: true}, descriptorpb.MethodOptions_NO_SIDE_EFFECTS)
	if got, err := policy.Of(internal); err != nil || !got.Internal {
		t.Errorf("internal: %+v, %v", got, err)
	}
}

// TestOfForeignOptions reads the policy of descriptors that were parsed without the policy
// package, and with it as a dynamic message.
func TestOfForeignOptions(t *testing.T) {
	declared := &policyv1.MethodPolicy{Permission: "book.lend", Audit: policyv1.Audit_AUDIT_SYNC, Resource: "books"}
	linked := method(t, declared, nil, descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN)
	want, err := policy.Of(linked)
	if err != nil {
		t.Fatal(err)
	}
	extension, err := protoregistry.GlobalFiles.FindDescriptorByName(policyv1.E_Method.TypeDescriptor().FullName())
	if err != nil {
		t.Fatal(err)
	}
	dynamic := new(protoregistry.Types)
	if err := dynamic.RegisterExtension(dynamicpb.NewExtensionType(extension.(protoreflect.ExtensionDescriptor))); err != nil { //nolint:forcetypeassert // the name is that of an extension
		t.Fatal(err)
	}
	for name, types := range map[string]*protoregistry.Types{"unknown field": new(protoregistry.Types), "dynamic extension": dynamic} {
		t.Run(name, func(t *testing.T) {
			data, err := proto.Marshal(protodesc.ToFileDescriptorProto(linked.ParentFile()))
			if err != nil {
				t.Fatal(err)
			}
			received := new(descriptorpb.FileDescriptorProto)
			if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(data, received); err != nil {
				t.Fatal(err)
			}
			file, err := protodesc.NewFile(received, protoregistry.GlobalFiles)
			if err != nil {
				t.Fatal(err)
			}
			got, err := policy.Of(file.Services().Get(0).Methods().Get(0))
			if err != nil || got.Permission != want.Permission || got.Audit != want.Audit || got.Resource.String() != want.Resource.String() {
				t.Errorf("policy is %+v, %v, want %+v", got, err, want)
			}
		})
	}
}
